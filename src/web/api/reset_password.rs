//! `POST /v1/auth/reset-password`: spends the token of a mailed link for a new password.

use actix_web::{HttpRequest, HttpResponse, web};

use super::body::JsonBody;
use super::delivery::direct_client;
use super::verify_email::spent;
use crate::flows::account::recovery::{self, Outcome};
use crate::web::error::ApiError;
use crate::web::extract::device;
use crate::web::extract::tenant::Tenant;
use crate::web::sentence::Sentence;
use crate::web::state::State;

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    direct_client(&request, &tenant, &body)?;
    let [token, password] = body.required(["token", "password"])?;
    let address = device::address(&request);
    match recovery::reset(&state.context, &tenant, token, password, address.as_deref()).await? {
        Outcome::Done(_) => Ok(HttpResponse::NoContent().finish()),
        Outcome::Problem(problem) => {
            Err(ApiError::invalid_fields(vec![("password", problem.in_english())]))
        }
        Outcome::Spent => Err(spent()),
    }
}
