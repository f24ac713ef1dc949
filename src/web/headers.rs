//! The headers that every answer carries, unless its handler set its own.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, web};

use super::state::State;
use crate::config::Scheme;

pub async fn security(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let scheme = request
        .app_data::<web::Data<State>>()
        .map_or(Scheme::Https, |state| state.context.public_url.scheme());
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    default(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(headers, header::REFERRER_POLICY, "no-referrer");
    default(headers, header::X_FRAME_OPTIONS, "DENY");
    default(headers, header::CACHE_CONTROL, "no-store");
    default(
        headers,
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    if scheme == Scheme::Https {
        default(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    Ok(response)
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
