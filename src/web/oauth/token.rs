//! `POST /oauth2/token`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::no_repetition;
use crate::flows::oauth::token;
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
    let address = device::address(&request);
    let answer =
        token::exchange(&state.context, &tenant, &client, &parameters, address.as_deref()).await?;
    Ok(HttpResponse::Ok().insert_header(("pragma", "no-cache")).json(answer))
}
