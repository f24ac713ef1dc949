//! `/metrics`, for Prometheus: on an address of its own, or else for loopback alone.

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::web::error::ApiError;
use crate::web::metrics::render;
use crate::web::state::{MetricsPlace, State};

/// A proxy on this machine comes from loopback, too, and says so by these.
const OF_PROXIES: [HeaderName; 2] =
    [HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("forwarded")];

pub async fn for_loopback(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let is_local = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback());
    let is_forwarded = OF_PROXIES.iter().any(|name| request.headers().contains_key(name));
    if state.metrics_place != MetricsPlace::Here || !is_local || is_forwarded {
        return Err(ApiError::NotFound);
    }
    Ok(get(state).await)
}

pub async fn get(state: web::Data<State>) -> HttpResponse {
    match render(&state) {
        Ok(text) => HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
