//! Client authentication (RFC 6749 §2.3): `client_secret_basic`, `client_secret_post`, `none`.

use std::sync::Arc;

use super::error::{ErrorCode, OAuthError};
use crate::crypto::digest;
use crate::domain::application::{Application, ClientAuthentication};
use crate::domain::secret::Secret;
use crate::flows::TenantSnapshot;

/// What a request says of its client.
#[derive(Clone, Debug, Default)]
pub struct PresentedClient {
    /// From `Authorization: Basic`, both halves form-decoded (RFC 6749 §2.3.1).
    pub basic: Option<(String, Secret)>,
    /// From the body.
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
}

/// A client that is who it says.
#[derive(Clone, Debug)]
pub struct Client {
    pub application: Arc<Application>,
    pub authentication: ClientAuthentication,
}

fn invalid_client(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, description)
}

impl PresentedClient {
    pub fn authenticate(&self, tenant: &TenantSnapshot) -> Result<Client, OAuthError> {
        let (client_id, secret) = match (&self.basic, &self.client_secret) {
            // RFC 6749 §2.3: no more than one method in a request.
            (Some(_), Some(_)) => {
                return Err(OAuthError::invalid_request(
                    "authenticate once: by the Authorization header or by client_secret in the body",
                ));
            }
            (Some((id, secret)), None) => {
                if self.client_id.as_ref().is_some_and(|other| other != id) {
                    return Err(OAuthError::invalid_request(
                        "client_id in the body is not the client of the Authorization header",
                    ));
                }
                (Some(id), Some(secret))
            }
            (None, secret) => (self.client_id.as_ref(), secret.as_ref()),
        };
        let client_id = client_id.ok_or(invalid_client(
            "name the client: client_id in the body, or HTTP Basic with its id and secret",
        ))?;
        let application = tenant
            .application_by_client_id(client_id)
            .ok_or(invalid_client("there is no such client, or its secret is wrong"))?;
        match (application.kind.is_confidential(), secret) {
            (true, Some(secret)) if has_secret(application, secret) => Ok(Client {
                application: Arc::clone(application),
                authentication: ClientAuthentication::Authenticated,
            }),
            (true, Some(_)) => {
                Err(invalid_client("there is no such client, or its secret is wrong"))
            }
            (true, None) => Err(invalid_client("this client must authenticate with its secret")),
            (false, None) => Ok(Client {
                application: Arc::clone(application),
                authentication: ClientAuthentication::Unauthenticated,
            }),
            (false, Some(_)) => {
                Err(invalid_client("this client is public: it has no secret to send"))
            }
        }
    }

    /// The client of a JSON call: the one that authenticates or names itself, else the tenant's default.
    pub fn or_default(&self, tenant: &TenantSnapshot) -> Result<Client, OAuthError> {
        if self.basic.is_some() || self.client_secret.is_some() {
            return self.authenticate(tenant);
        }
        let application = match &self.client_id {
            Some(client_id) => tenant.application_by_client_id(client_id),
            None => tenant.default_application(),
        };
        let application = application.ok_or(invalid_client(
            "there is no such client; send a client_id of this tenant, or make an app its default",
        ))?;
        Ok(Client {
            application: Arc::clone(application),
            authentication: ClientAuthentication::Unauthenticated,
        })
    }
}

/// Compares with every secret, whichever matches.
fn has_secret(application: &Application, presented: &Secret) -> bool {
    application
        .secrets
        .iter()
        .fold(false, |found, secret| digest::matches(presented, &secret.digest) | found)
}
