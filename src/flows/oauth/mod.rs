//! OAuth 2.0 and OpenID Connect, one file per endpoint.

pub mod authorize;
pub mod claims;
pub mod client;
pub mod consent;
pub mod discovery;
pub mod error;
pub mod introspect;
pub mod issue;
pub mod logout;
pub mod revoke;
pub mod token;
pub mod verify;
