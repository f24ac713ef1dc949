//! `/healthz`: the process answers. `/readyz`: it can do its work.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::web::state::State;

pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

pub async fn readyz(state: web::Data<State>) -> HttpResponse {
    let reason = match state.context.db.pending_migrations().await {
        Ok(pending) if pending.is_empty() => {
            return HttpResponse::Ok().json(json!({ "status": "ready" }));
        }
        Ok(pending) => format!("{} migrations are pending: run `doorward migrate`", pending.len()),
        Err(error) => {
            // The driver's words may name hosts and users: they go to the log.
            tracing::error!(%error, "not ready");
            "the database cannot be reached".to_owned()
        }
    };
    HttpResponse::ServiceUnavailable()
        .insert_header(("retry-after", "2"))
        .json(json!({ "status": "not ready", "reason": reason }))
}
