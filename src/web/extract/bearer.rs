//! An access token in the Authorization header (RFC 6750 §2.1).

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::web::error::{ApiError, BearerError};

/// The token, not yet checked.
pub fn token(request: &HttpRequest) -> Result<String, ApiError> {
    let value = request.headers().get(header::AUTHORIZATION).ok_or(ApiError::Bearer(None))?;
    let text = value.to_str().map_err(|_| ApiError::Bearer(Some(BearerError::InvalidToken)))?;
    match text.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() =>
        {
            Ok(token.trim().to_owned())
        }
        _ => Err(ApiError::Bearer(None)),
    }
}
