//! A form body, read strictly.

use actix_web::dev::Payload;
use actix_web::http::header;
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
        let is_form = is_content_type(request, "application/x-www-form-urlencoded");
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_form {
                return Err(OAuthError::invalid_request(
                    "send the parameters as application/x-www-form-urlencoded",
                )
                .into());
            }
            let body = body.await.map_err(|_| too_large())?;
            Ok(Self(Parameters::parse(&body).map_err(OAuthError::from)?))
        })
    }
}

pub fn too_large() -> ApiError {
    ApiError::json(
        actix_web::http::StatusCode::PAYLOAD_TOO_LARGE,
        "invalid_request",
        "the request is larger than 64 KB",
    )
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
