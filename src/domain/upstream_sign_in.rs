//! A sign-in that is under way at an upstream provider: what its answer is held against. It is good for one
//! answer, in one browser, of one provider.

use std::time::Duration;

use super::after_sign_in::AfterSignIn;
use super::clock::Timestamp;
use super::ids::{LinkOfferId, ProviderId, UserId};

/// How long a user may take at the provider.
pub const UPSTREAM_SIGN_IN_LIFE: Duration = Duration::from_secs(30 * 60);

#[derive(Clone, Debug)]
pub struct UpstreamSignIn {
    pub provider_id: ProviderId,
    /// Comes back in the ID token.
    pub nonce: String,
    /// RFC 7636, sealed.
    pub sealed_code_verifier: String,
    pub purpose: Purpose,
    /// The user was to show up at the provider, and not before then.
    pub signed_in_since: Option<Timestamp>,
    pub expires_at: Timestamp,
}

/// What the answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    SignIn {
        then: AfterSignIn,
    },
    /// Signing in with an identity that the account has already, to link another one.
    ProveAccount {
        offer: LinkOfferId,
    },
    /// The user, signed in, links an identity to their account.
    Link {
        user: UserId,
    },
}
