//! Cross-origin reading (Fetch standard §3.2): the two public documents for every origin, the endpoints that
//! single-page apps call for the origins that the tenant's apps allow. Credentials for the JSON API alone.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};

use super::extract::tenant::tenant_of;
use crate::domain::application::Application;

/// Who may read an endpoint's answers from another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    Nobody,
    Everybody,
    AllowedOrigins,
    /// With the cookie of `"delivery":"cookie"`.
    AllowedOriginsWithCredentials,
}

/// The app that the request turned out to be of: from then on its origins alone count.
#[derive(Clone)]
pub struct RequestingApplication(pub Arc<Application>);

pub async fn everybody(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = match *request.method() {
        Method::OPTIONS => request.into_response(preflight().await).map_into_right_body(),
        _ => next.call(request).await?.map_into_left_body(),
    };
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}

pub async fn allowed_origins(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    answer_allowed(request, next, Readers::AllowedOrigins).await
}

pub async fn allowed_origins_with_credentials(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    answer_allowed(request, next, Readers::AllowedOriginsWithCredentials).await
}

async fn answer_allowed(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
    readers: Readers,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let tenant = match &origin {
        Some(_) => tenant_of(request.request()).await.ok(),
        None => None,
    };
    let mut response = next.call(request).await?;
    let application = response.request().extensions().get::<RequestingApplication>().cloned();
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let allowed = |origin: &str| match &application {
        Some(RequestingApplication(application)) => application.allows_origin(origin),
        None => tenant.as_ref().is_some_and(|tenant| tenant.allows_origin(origin)),
    };
    if let Some(origin) = origin
        && origin.to_str().is_ok_and(allowed)
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("WWW-Authenticate, Retry-After"),
        );
        if readers == Readers::AllowedOriginsWithCredentials {
            headers
                .insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    } else {
        forget_preflight(headers);
    }
    Ok(response)
}

/// `OPTIONS`: which methods and headers a page may send. The middleware above says to whom this applies.
pub async fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

fn forget_preflight(headers: &mut HeaderMap) {
    for name in [
        header::ACCESS_CONTROL_ALLOW_METHODS,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        header::ACCESS_CONTROL_MAX_AGE,
    ] {
        headers.remove(name);
    }
}
