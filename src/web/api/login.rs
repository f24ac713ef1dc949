//! `POST /v1/auth/login`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::body::JsonBody;
use super::delivery::{Delivery, direct_client};
use super::envelope;
use crate::domain::email_address::EmailAddress;
use crate::flows::account::sign_in::{self, Credentials, Outcome};
use crate::flows::account::throttle::{Asked, Asker, Guesser};
use crate::flows::account::{direct, verification};
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
    if let Err(why) = EmailAddress::parse(email) {
        return Err(ApiError::invalid_fields(vec![("email", why.in_english())]));
    }
    let device = device(&request);
    let context = &state.context;
    let credentials = Credentials::parse(email, password);
    let guesser = Guesser {
        address: device.address.clone(),
        known_device: None,
        client: Some(client.authentication),
    };
    let proof = match sign_in::with_password(context, &tenant, credentials, &guesser).await? {
        Outcome::Proved(proof) => proof,
        Outcome::Wrong => return Err(invalid_credentials()),
        Outcome::TooMany { retry_after } => return Err(ApiError::RateLimited { retry_after }),
        Outcome::Unverified(user) => {
            let asker =
                Asker { address: device.address.as_deref(), client: Some(client.authentication) };
            return Err(
                match verification::ask(context, &tenant, &user.email, None, asker).await? {
                    Asked::Done(()) => email_not_verified(),
                    Asked::TooMuch { retry_after } => ApiError::RateLimited { retry_after },
                },
            );
        }
    };
    let signed_in = direct::begin(context, &tenant, &client, proof, device).await?;
    let signed_in = signed_in.ok_or_else(invalid_credentials)?;
    envelope::answer(StatusCode::OK, &state, &tenant, &client, signed_in, delivery)
}

/// The password was right: this tells nobody anything that they did not know.
fn email_not_verified() -> ApiError {
    ApiError::json(
        StatusCode::FORBIDDEN,
        "email_not_verified",
        "this address has not been verified yet; a new link has been mailed to it",
    )
}

/// One answer, whatever was wrong.
fn invalid_credentials() -> ApiError {
    ApiError::json(
        StatusCode::UNAUTHORIZED,
        "invalid_credentials",
        "that e-mail and password do not match",
    )
}
