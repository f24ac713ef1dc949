//! The endpoints of OAuth 2.0 and OpenID Connect.

pub mod authorize;
pub mod discovery;
pub mod introspect;
pub mod jwks;
pub mod logout;
mod public_document;
pub mod reply;
pub mod revoke;
pub mod token;
pub mod upstream_token;
pub mod userinfo;

use crate::domain::parameters::Parameters;
use crate::flows::oauth::error::OAuthError;

/// RFC 6749 §3.2: "Request and response parameters MUST NOT be included more than once."
fn no_repetition(parameters: &Parameters) -> Result<(), OAuthError> {
    match parameters.repeated() {
        None => Ok(()),
        Some(_) => Err(OAuthError::invalid_request("a parameter is given more than once")),
    }
}
