//! `POST /v1/auth/logout`: 204, always; what was presented, if it was good, is so no more.

use actix_web::{HttpRequest, HttpResponse, web};

use super::body::JsonBody;
use super::delivery::{Delivery, refresh_token, token_in};
use crate::flows::account::direct;
use crate::web::cookies::RefreshCookie;
use crate::web::error::ApiError;
use crate::web::extract::tenant::Tenant;
use crate::web::extract::{client, device};
use crate::web::state::State;

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    tenant: Tenant,
    body: Result<JsonBody, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::NoContent();
    let Ok(body) = body else { return Ok(response.finish()) };
    let client_id = body.text("client_id").ok().flatten();
    let Ok(client) = client::of_json(&request, &tenant, client_id) else {
        // Without a client there is no cookie to look for; the token speaks for itself.
        if let Ok(Some(token)) = token_in(&body) {
            end(&request, &state, &tenant, token).await?;
        }
        return Ok(response.finish());
    };
    if let Ok(Some((token, delivery))) = refresh_token(&request, &state, &tenant, &client, &body) {
        end(&request, &state, &tenant, &token).await?;
        if delivery == Delivery::Cookie {
            response.cookie(RefreshCookie::clear(&state, &tenant, client.application.id));
        }
    }
    Ok(response.finish())
}

async fn end(
    request: &HttpRequest,
    state: &State,
    tenant: &Tenant,
    token: &str,
) -> Result<(), ApiError> {
    let address = device::address(request);
    Ok(direct::end(&state.context, tenant, token, address.as_deref()).await?)
}
