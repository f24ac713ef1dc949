//! What login, register and refresh answer: the user and the tokens, flat, as a NextAuth `authorize` returns it.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::delivery::Delivery;
use crate::domain::user::Profile;
use crate::flows::TenantSnapshot;
use crate::flows::account::direct::{self, Tokens};
use crate::flows::oauth::claims;
use crate::flows::oauth::client::Client;
use crate::flows::oauth::issue::SignedIn;
use crate::web::cookies::RefreshCookie;
use crate::web::error::ApiError;
use crate::web::state::State;

/// The user's own fields: also what `/v1/auth/me` answers.
pub fn user(profile: &Profile) -> Value {
    let user = &profile.user;
    json!({
        "id": user.id,
        "email": user.email.as_str(),
        "email_verified": user.email_verified,
        "name": user.name.as_ref().map(|name| name.as_str()),
        "image": user.picture,
        "role": claims::role(profile),
        "roles": claims::roles(profile),
    })
}

pub fn answer(
    status: StatusCode,
    state: &web::Data<State>,
    tenant: &TenantSnapshot,
    client: &Client,
    signed_in: SignedIn,
    delivery: Delivery,
) -> Result<HttpResponse, ApiError> {
    let context = &state.context;
    let application = &client.application;
    let Tokens { signed_in, access_token, refresh_token } =
        direct::tokens(context, tenant, client, signed_in)?;
    let now = context.now();
    let life = application.tokens.access_token_life.as_secs();
    let refresh_life = whole_seconds(signed_in.family.remaining_life(now));
    let mut body = user(&signed_in.profile);
    body["token"] = json!(access_token);
    body["access_token"] = json!(access_token);
    body["token_type"] = json!("Bearer");
    body["expires_in"] = json!(life);
    body["expires_at"] = json!(now.as_secs() + life.cast_signed());
    body["refresh_expires_in"] = json!(refresh_life);
    body["session_id"] = json!(signed_in.family.grant.session_id);
    let mut response = HttpResponse::build(status);
    match delivery {
        Delivery::Body => body["refresh_token"] = json!(refresh_token),
        Delivery::Cookie => {
            let cookie =
                RefreshCookie::set(state, tenant, application.id, refresh_token, refresh_life);
            response.cookie(cookie);
        }
    }
    Ok(response.json(body))
}

/// Rounded up: the moment between issuing and answering is no second.
fn whole_seconds(life: Duration) -> u64 {
    u64::try_from(life.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}
