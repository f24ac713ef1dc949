//! `POST /v1/auth/verify-email`: spends the token of a mailed link.

use actix_web::{HttpRequest, HttpResponse, web};

use super::body::JsonBody;
use super::delivery::direct_client;
use crate::flows::account::verification;
use crate::web::error::ApiError;
use crate::web::extract::device;
use crate::web::extract::tenant::Tenant;
use crate::web::sentence::{FieldProblem, Sentence};
use crate::web::state::State;

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    direct_client(&request, &tenant, &body)?;
    let [token] = body.required(["token"])?;
    let address = device::address(&request);
    match verification::confirm(&state.context, &tenant, token, None, address.as_deref()).await? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(spent()),
    }
}

/// One answer for a token that is unknown, used, too old, or of another purpose, address or tenant.
pub fn spent() -> ApiError {
    ApiError::invalid_fields(vec![("token", FieldProblem::SpentToken.in_english())])
}
