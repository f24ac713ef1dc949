//! What a user allowed a third party's application.

use super::clock::Timestamp;
use super::ids::ApplicationId;
use super::scope::Scopes;

#[derive(Clone, Debug)]
pub struct Consent {
    pub application_id: ApplicationId,
    pub scopes: Scopes,
    pub granted_at: Timestamp,
}
