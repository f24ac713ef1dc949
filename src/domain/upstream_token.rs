//! The tokens that a provider gives with a sign-in, for calling its API in the user's name. They are kept only
//! where the tenant asks for it.

use std::time::Duration;

use super::clock::Timestamp;
use super::secret::Secret;

/// Longer ones are not kept.
const MAX_LENGTH: usize = 16 * 1024;

/// As the provider answered (RFC 6749 §5.1). Bearer tokens alone: others need a key besides (RFC 9449).
#[derive(Clone, Debug)]
pub struct UpstreamTokens {
    pub access_token: Secret,
    pub refresh_token: Option<Secret>,
    /// What the access token is for, words parted by spaces; the scopes asked for, if the provider does not say.
    pub scope: Option<String>,
    /// `None`: until it is revoked.
    pub expires_at: Option<Timestamp>,
}

impl UpstreamTokens {
    /// Whether they are of a size that is kept.
    pub fn fits(&self) -> bool {
        let refresh = self.refresh_token.as_ref().map_or(0, |token| token.expose().len());
        let scope = self.scope.as_ref().map_or(0, String::len);
        self.access_token.expose().len().max(refresh).max(scope) <= MAX_LENGTH
    }

    /// An access token that ends on its way is of no use to the app that gets it.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now + Duration::from_secs(30) < end)
    }
}

/// The same, sealed for the identity that they belong to.
#[derive(Clone, Debug)]
pub struct SealedTokens {
    pub access_token: String,
    pub refresh_token: Option<String>,
}

/// How long one request has for renewing tokens before another may try. Longer than the provider may take.
pub const RENEWAL_LEASE: Duration = Duration::from_secs(30);
