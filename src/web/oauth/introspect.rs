//! `POST /oauth2/introspect` (RFC 7662).

use actix_web::{HttpRequest, HttpResponse, web};

use super::no_repetition;
use crate::domain::application::ClientAuthentication;
use crate::flows::oauth::error::{ErrorCode, OAuthError};
use crate::flows::oauth::introspect;
use crate::web::error::ApiError;
use crate::web::extract::client;
use crate::web::extract::form::Form;
use crate::web::extract::tenant::Tenant;
use crate::web::state::State;

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
    Form(parameters): Form,
) -> Result<HttpResponse, ApiError> {
    no_repetition(&parameters)?;
    let client = client::authenticate(&request, &tenant, &parameters)?;
    if client.authentication == ClientAuthentication::Unauthenticated {
        let why = "introspection is for clients that authenticate with a secret";
        return Err(OAuthError::new(ErrorCode::InvalidClient, why).into());
    }
    let token = parameters.get("token").ok_or(OAuthError::invalid_request("token is missing"))?;
    let answer = introspect::introspect(&state.context, &tenant, &client, token).await?;
    Ok(HttpResponse::Ok().json(answer))
}
