//! The token endpoint (RFC 6749 §3.2): one file per grant.

mod authorization_code;
mod client_credentials;
pub mod refresh_token;

pub(in crate::flows) use authorization_code::new_family;

use super::client::Client;
use super::error::{ErrorCode, OAuthError, Refusal};
use super::issue::TokenAnswer;
use crate::domain::parameters::Parameters;
use crate::flows::{Context, TenantSnapshot};

pub async fn exchange(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    parameters: &Parameters,
    address: Option<&str>,
) -> Result<TokenAnswer, Refusal> {
    match parameters.get("grant_type") {
        Some("authorization_code") => {
            authorization_code::exchange(context, tenant, client, parameters, address).await
        }
        Some("refresh_token") => {
            refresh_token::exchange(context, tenant, client, parameters, address).await
        }
        Some("client_credentials") => {
            client_credentials::exchange(context, tenant, client, parameters)
        }
        None => Err(OAuthError::invalid_request("grant_type is missing").into()),
        Some(_) => Err(OAuthError::new(
            ErrorCode::UnsupportedGrantType,
            "grant_type is authorization_code, refresh_token or client_credentials",
        )
        .into()),
    }
}

/// Code and refresh are for apps that sign users in.
fn must_act_for_users(client: &Client) -> Result<(), OAuthError> {
    if client.application.kind.acts_for_users() {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::UnauthorizedClient,
        "a service app may use the client_credentials grant only",
    ))
}

/// `resource` of RFC 8707 §2.2.
fn requested_resource<'p>(
    tenant: &TenantSnapshot,
    client: &Client,
    parameters: &'p Parameters,
) -> Result<Option<&'p str>, OAuthError> {
    match parameters.get("resource") {
        Some(resource) if !client.application.allows_resource(resource, &tenant.issuer) => {
            Err(OAuthError::new(
                ErrorCode::InvalidTarget,
                "this client may not ask for tokens for that resource",
            ))
        }
        resource => Ok(resource),
    }
}
