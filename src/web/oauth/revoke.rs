//! `POST /oauth2/revoke` (RFC 7009).

use actix_web::{HttpRequest, HttpResponse, web};

use super::no_repetition;
use crate::flows::oauth::error::OAuthError;
use crate::flows::oauth::revoke;
use crate::web::error::ApiError;
use crate::web::extract::form::Form;
use crate::web::extract::tenant::Tenant;
use crate::web::extract::{client, device};
use crate::web::state::State;

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
    Form(parameters): Form,
) -> Result<HttpResponse, ApiError> {
    no_repetition(&parameters)?;
    let client = client::authenticate(&request, &tenant, &parameters)?;
    let token = parameters.get("token").ok_or(OAuthError::invalid_request("token is missing"))?;
    let address = device::address(&request);
    revoke::revoke(&state.context, &tenant, &client, token, address.as_deref()).await?;
    Ok(HttpResponse::Ok().finish())
}
