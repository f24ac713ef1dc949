//! The OAuth client of a request: its credentials from the header and the body.

use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::parameters::{Parameters, decode_form_value};
use crate::domain::secret::Secret;
use crate::flows::TenantSnapshot;
use crate::flows::oauth::client::{Client, PresentedClient};
use crate::flows::oauth::error::{ErrorCode, OAuthError};
use crate::web::cors::RequestingApplication;
use crate::web::error::ApiError;

/// Authenticates the client of a form endpoint.
pub fn authenticate(
    request: &HttpRequest,
    tenant: &TenantSnapshot,
    parameters: &Parameters,
) -> Result<Client, ApiError> {
    let presented = PresentedClient {
        basic: basic(request)?,
        client_id: parameters.get("client_id").map(str::to_owned),
        client_secret: parameters.get("client_secret").map(|secret| Secret::new(secret.to_owned())),
    };
    remember(request, presented.authenticate(tenant), presented.basic.is_some())
}

/// The client of a JSON call: by Basic, by `client_id`, or the tenant's default.
pub fn of_json(
    request: &HttpRequest,
    tenant: &TenantSnapshot,
    client_id: Option<&str>,
) -> Result<Client, ApiError> {
    let presented = PresentedClient {
        basic: basic(request)?,
        client_id: client_id.map(str::to_owned),
        client_secret: None,
    };
    remember(request, presented.or_default(tenant), presented.basic.is_some())
}

fn remember(
    request: &HttpRequest,
    client: Result<Client, OAuthError>,
    by_basic: bool,
) -> Result<Client, ApiError> {
    match client {
        Ok(client) => {
            request.extensions_mut().insert(RequestingApplication(client.application.clone()));
            Ok(client)
        }
        Err(error) if by_basic && error.code == ErrorCode::InvalidClient => {
            Err(ApiError::InvalidBasicClient(error))
        }
        Err(error) => Err(error.into()),
    }
}

/// `Authorization: Basic`, both halves form-decoded (RFC 6749 §2.3.1).
fn basic(request: &HttpRequest) -> Result<Option<(String, Secret)>, ApiError> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let Some((scheme, credentials)) = text.split_once(' ') else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let malformed = || {
        ApiError::InvalidBasicClient(OAuthError::new(
            ErrorCode::InvalidClient,
            "the Authorization header is not Basic base64(client_id:client_secret)",
        ))
    };
    let decoded = STANDARD.decode(credentials.trim()).map_err(|_| malformed())?;
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or_else(malformed)?;
    let id = decode_form_value(&decoded[..colon]).map_err(|_| malformed())?;
    let secret = decode_form_value(&decoded[colon + 1..]).map_err(|_| malformed())?;
    Ok(Some((id, Secret::new(secret))))
}
