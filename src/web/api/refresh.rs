//! `POST /v1/auth/refresh`: the same rotation as `grant_type=refresh_token`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::body::JsonBody;
use super::delivery::{direct_client, refresh_token};
use super::envelope;
use crate::flows::oauth::token::refresh_token::{self as rotation, PresentedToken, Refreshed};
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
    let client = direct_client(&request, &tenant, &body)?;
    let (token, delivery) =
        refresh_token(&request, &state, &tenant, &client, &body)?.ok_or_else(|| {
            ApiError::invalid_fields(vec![("refresh_token", FieldProblem::Missing.in_english())])
        })?;
    let address = device::address(&request);
    let presented = PresentedToken { token: &token, scopes: None, address: address.as_deref() };
    match rotation::refresh(&state.context, &tenant, &client, presented).await? {
        Refreshed::SignedIn(signed_in) => {
            envelope::answer(StatusCode::OK, &state, &tenant, &client, signed_in, delivery)
        }
        Refreshed::Refused | Refreshed::TooWide => {
            let error = rotation::invalid_grant();
            Err(ApiError::json(StatusCode::UNAUTHORIZED, "invalid_grant", error.description))
        }
    }
}
