//! An authorization code: single-use, short-lived, bound to all it was asked with.

use std::time::Duration;

use super::clock::Timestamp;
use super::ids::{ApplicationId, FamilyId, SessionId, UserId};
use super::pkce::CodeChallenge;
use super::scope::Scopes;

pub const CODE_LIFE: Duration = Duration::from_secs(60);
/// A spent code is remembered this long, so that a replay is recognised while what it issued could live.
pub const SPENT_CODE_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the user granted, and to whom.
#[derive(Clone, Debug)]
pub struct AuthorizationCode {
    pub grant: Grant,
    pub redirect_uri: String,
    pub code_challenge: Option<CodeChallenge>,
    pub nonce: Option<String>,
    pub state: CodeState,
    pub expires_at: Timestamp,
}

/// One sign-in of one user in one application.
#[derive(Clone, Debug)]
pub struct Grant {
    pub application_id: ApplicationId,
    pub user_id: UserId,
    pub session_id: SessionId,
    pub scopes: Scopes,
    pub resource: Option<String>,
    pub authenticated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeState {
    Fresh,
    /// The family that it was exchanged for.
    Spent {
        family_id: FamilyId,
    },
}
