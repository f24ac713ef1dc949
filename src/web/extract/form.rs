//! A form body, read strictly.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, web};
use futures_core::future::LocalBoxFuture;

use crate::domain::parameters::Parameters;
use crate::flows::oauth::error::OAuthError;
use crate::web::error::ApiError;

/// `application/x-www-form-urlencoded` and nothing else (RFC 6749 appendix B).
pub struct Form(pub Parameters);

impl FromRequest for Form {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = form_body(request, payload);
        Box::pin(
            async move { Ok(Self(Parameters::parse(&body.await?).map_err(OAuthError::from)?)) },
        )
    }
}

/// One of our own forms, with whatever people type into its fields.
pub struct TypedForm(pub Parameters);

impl FromRequest for TypedForm {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = form_body(request, payload);
        Box::pin(async move {
            Ok(Self(Parameters::parse_typed(&body.await?).map_err(OAuthError::from)?))
        })
    }
}

fn form_body(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<web::Bytes, ApiError>> + use<> {
    let is_form = is_content_type(request, "application/x-www-form-urlencoded");
    let body = read_body(request, payload);
    async move {
        if !is_form {
            return Err(OAuthError::invalid_request(
                "send the parameters as application/x-www-form-urlencoded",
            )
            .into());
        }
        body.await
    }
}

/// How long a client may take to send its body: a slow one holds a connection, and no longer than this.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// The whole body, of bounded size and in bounded time.
pub fn read_body(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<web::Bytes, ApiError>> + use<> {
    let body = web::Bytes::from_request(request, payload);
    async move {
        match tokio::time::timeout(BODY_PATIENCE, body).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) => Err(ApiError::json(
                StatusCode::PAYLOAD_TOO_LARGE,
                "invalid_request",
                "the request is larger than 64 KB",
            )),
            Err(_) => Err(ApiError::json(
                StatusCode::REQUEST_TIMEOUT,
                "invalid_request",
                "the request took too long to arrive",
            )),
        }
    }
}

/// Whether the body says that it is of that media type, whatever its parameters.
pub fn is_content_type(request: &HttpRequest, wanted: &str) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(wanted))
}
