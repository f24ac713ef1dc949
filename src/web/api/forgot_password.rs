//! `POST /v1/auth/forgot-password`: 202 for every address.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::body::JsonBody;
use super::delivery::direct_client;
use crate::domain::email_address::EmailAddress;
use crate::flows::account::recovery;
use crate::flows::account::throttle::{Asked, Asker};
use crate::web::error::ApiError;
use crate::web::extract::device;
use crate::web::extract::tenant::Tenant;
use crate::web::state::State;

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let client = direct_client(&request, &tenant, &body)?;
    let [email] = body.required(["email"])?;
    // What is no address belongs to nobody, like one that has no account.
    if let Ok(email) = EmailAddress::parse(email) {
        let address = device::address(&request);
        let asker = Asker { address: address.as_deref(), client: Some(client.authentication) };
        let asked = recovery::ask(&state.context, &tenant, &email, None, asker).await?;
        if let Asked::TooMuch { retry_after } = asked {
            return Err(ApiError::RateLimited { retry_after });
        }
    }
    Ok(HttpResponse::Accepted().json(json!({ "status": "accepted" })))
}
