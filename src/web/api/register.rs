//! `POST /v1/auth/register`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::body::JsonBody;
use super::delivery::{Delivery, direct_client};
use super::envelope;
use crate::flows::Failure;
use crate::flows::account::direct;
use crate::flows::account::sign_up::{self, Form, Outcome, Problems};
use crate::flows::account::throttle::Asker;
use crate::web::error::ApiError;
use crate::web::extract::device::device;
use crate::web::extract::tenant::Tenant;
use crate::web::sentence::Sentence;
use crate::web::state::State;

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let client = direct_client(&request, &tenant, &body)?;
    let delivery = Delivery::asked(&request, &body, &client.application)?;
    let [email, password] = body.required(["email", "password"])?;
    let form = Form { email, password, name: body.text("name")?, request: None };
    let device = device(&request);
    let context = &state.context;
    let asker = Asker { address: device.address.as_deref(), client: Some(client.authentication) };
    let proof = match sign_up::with_password(context, &tenant, form, asker).await? {
        Outcome::Made(proof) => proof,
        Outcome::VerificationRequired => {
            let status = json!({ "status": "verification_required" });
            return Ok(HttpResponse::Accepted().json(status));
        }
        Outcome::Problems(problems) => return Err(ApiError::invalid_fields(fields(&problems))),
        Outcome::TooMany { retry_after } => {
            return Err(ApiError::RateLimited { retry_after });
        }
        Outcome::Closed => {
            return Err(ApiError::json(
                StatusCode::FORBIDDEN,
                "sign_up_closed",
                "accounts here are made by an administrator",
            ));
        }
    };
    let signed_in = direct::begin(context, &tenant, &client, proof, device).await?;
    let signed_in = signed_in.ok_or_else(|| {
        Failure::Internal("a new account vanished before its first sign-in".to_owned())
    })?;
    envelope::answer(StatusCode::CREATED, &state, &tenant, &client, signed_in, delivery)
}

fn fields(problems: &Problems) -> Vec<(&'static str, String)> {
    let texts = [
        ("email", problems.email.as_ref().map(Sentence::in_english)),
        ("password", problems.password.as_ref().map(Sentence::in_english)),
        ("name", problems.name.as_ref().map(Sentence::in_english)),
    ];
    texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}
