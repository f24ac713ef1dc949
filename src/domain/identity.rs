//! An upstream identity: who somebody is at a provider, and which account that opens.

use super::clock::Timestamp;
use super::email_address::EmailAddress;
use super::ids::{LinkOfferId, ProviderId, RequestId, UserId};
use super::tenant::DisplayName;
use super::upstream_token::SealedTokens;

/// What the provider calls the user: unique and never given to another (OpenID Connect Core §2, `sub`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject is 1 to 255 characters without control characters")]
pub struct InvalidSubject;

impl Subject {
    pub fn parse(text: &str) -> Result<Self, InvalidSubject> {
        let is_subject =
            !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control);
        if is_subject { Ok(Self(text.to_owned())) } else { Err(InvalidSubject) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a provider says of a user who has just signed in there. All of it has been checked to come from it.
#[derive(Clone, Debug)]
pub struct Assertion {
    pub subject: Subject,
    pub email: Option<AssertedEmail>,
    pub organisation: Organisation,
    pub name: Option<DisplayName>,
    /// An https URL.
    pub picture: Option<String>,
}

/// Whether the user belongs, today, to the organisation whose domain their address is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Organisation {
    /// The provider says so (Google's `hd`).
    Member,
    /// It does not: the address may be a former member's, verified once.
    Unknown,
}

#[derive(Clone, Debug)]
pub enum AssertedEmail {
    /// The provider has seen that the user reads mail sent there.
    Verified(EmailAddress),
    /// Anybody may have typed it.
    Unverified(EmailAddress),
}

impl AssertedEmail {
    pub fn address(&self) -> &EmailAddress {
        match self {
            Self::Verified(email) | Self::Unverified(email) => email,
        }
    }
}

/// An identity that opens an account.
#[derive(Clone, Debug)]
pub struct Identity {
    pub provider_id: ProviderId,
    pub subject: Subject,
    pub user_id: UserId,
    /// For its owner to recognise it by; it decides nothing.
    pub email: Option<String>,
    /// What the provider said last: where the user's own differs, they have changed it.
    pub name: Option<DisplayName>,
    pub picture: Option<String>,
    pub linked_at: Timestamp,
    pub last_used_at: Timestamp,
}

impl Identity {
    pub fn new(
        provider_id: ProviderId,
        user_id: UserId,
        assertion: Assertion,
        now: Timestamp,
    ) -> Self {
        Self {
            provider_id,
            subject: assertion.subject,
            user_id,
            email: assertion.email.map(|email| email.address().to_string()),
            name: assertion.name,
            picture: assertion.picture,
            linked_at: now,
            last_used_at: now,
        }
    }
}

/// An identity whose verified address is that of an account. It opens the account once the user has proved
/// it in another way; until then it is kept for the browser that brought it.
#[derive(Clone, Debug)]
pub struct LinkOffer {
    pub id: LinkOfferId,
    pub identity: Identity,
    /// The provider's tokens, if they are kept.
    pub tokens: Option<SealedTokens>,
    /// The authorization request that goes on afterwards.
    pub request: Option<RequestId>,
    pub expires_at: Timestamp,
}

/// How long the user has to prove the account.
pub const LINK_OFFER_LIFE: std::time::Duration = std::time::Duration::from_secs(15 * 60);
