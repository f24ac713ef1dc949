//! `grant_type=client_credentials` (RFC 6749 §4.4): a service acts for itself.

use super::requested_resource;
use crate::domain::application::ApplicationKind;
use crate::domain::parameters::Parameters;
use crate::flows::oauth::client::Client;
use crate::flows::oauth::error::{ErrorCode, OAuthError, Refusal};
use crate::flows::oauth::issue::{self, TokenAnswer};
use crate::flows::{Context, TenantSnapshot};

pub(super) fn exchange(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    parameters: &Parameters,
) -> Result<TokenAnswer, Refusal> {
    match client.application.kind {
        ApplicationKind::Service => {}
        ApplicationKind::Web | ApplicationKind::Spa | ApplicationKind::Native => {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "only an app of kind `service` may use the client_credentials grant",
            )
            .into());
        }
    }
    let resource = requested_resource(tenant, client, parameters)?;
    let application = &client.application;
    Ok(TokenAnswer {
        access_token: issue::service_access_token(
            context,
            tenant,
            application,
            resource,
            context.now(),
        )?,
        token_type: "Bearer",
        expires_in: application.tokens.access_token_life.as_secs(),
        scope: String::new(),
        // RFC 6749 §4.4.3: no refresh token.
        refresh_token: None,
        id_token: None,
    })
}
