//! `/.well-known/jwks.json` (RFC 7517 §5).

use actix_web::{HttpRequest, HttpResponse, web};

use super::public_document;
use crate::domain::activity::Kind;
use crate::web::extract::tenant::Tenant;
use crate::web::state::State;

pub async fn get(request: HttpRequest, state: web::Data<State>, tenant: Tenant) -> HttpResponse {
    state.context.activity.count(tenant.tenant.id, Kind::JwksFetch, state.context.now());
    public_document::answer(&request, &tenant.jwks)
}
