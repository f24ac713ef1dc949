//! A session: one sign-in of one user, in a browser or through the JSON API. Its id is the
//! `sid` of every token issued under it, and refresh families die with it.

use std::time::Duration;

use super::clock::Timestamp;
use super::ids::{SessionId, UserId};
use super::provider::ProviderKey;

/// Unused for this long, a browser is asked to sign in again.
pub const BROWSER_IDLE_LIFE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// This long after the first sign-in, a browser is asked to sign in again.
pub const BROWSER_ABSOLUTE_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// What changes an account asks that its user proved who they are within this time.
pub const FRESH_SIGN_IN: Duration = Duration::from_secs(10 * 60);
/// `last_seen_at` is written at most this often.
pub const SEEN_RESOLUTION: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    pub kind: SessionKind,
    /// When the user last proved who they are: `auth_time`.
    pub authenticated_at: Timestamp,
    pub methods: Vec<Method>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// Kept by a cookie of the hosted pages: single sign-on between the tenant's apps.
    Browser,
    /// Made by the JSON API for one app; no browser holds it.
    Direct,
}

impl SessionKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Direct => "direct",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Browser, Self::Direct].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How the user proved who they are: a value of `amr` (RFC 8176).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    Password,
    /// A code that was mailed to the user.
    EmailCode,
    /// At an upstream provider, whose word was taken.
    Federated(ProviderKey),
}

const FEDERATED: &str = "fed";

impl Method {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::EmailCode => "otp",
            Self::Federated(_) => FEDERATED,
        }
    }

    /// The provider that was signed in at.
    pub const fn provider(&self) -> Option<&ProviderKey> {
        match self {
            Self::Federated(provider) => Some(provider),
            Self::Password | Self::EmailCode => None,
        }
    }

    /// As it is stored: the value of `amr`, and after a colon the provider.
    pub fn to_word(&self) -> String {
        match self.provider() {
            Some(provider) => format!("{}:{provider}", self.as_str()),
            None => self.as_str().to_owned(),
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        match word.split_once(':') {
            Some((FEDERATED, provider)) => ProviderKey::parse(provider).ok().map(Self::Federated),
            Some(_) => None,
            None => {
                [Self::Password, Self::EmailCode].into_iter().find(|method| method.as_str() == word)
            }
        }
    }
}

impl Session {
    /// Whether the user proved only just now who they are.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.authenticated_at + FRESH_SIGN_IN
    }

    /// Whether the hosted pages still take the browser's word for the user.
    pub fn is_good_for_browser(&self, now: Timestamp) -> bool {
        self.kind == SessionKind::Browser
            && self.ended_at.is_none()
            && now < self.last_seen_at + BROWSER_IDLE_LIFE
            && now < self.created_at + BROWSER_ABSOLUTE_LIFE
    }
}
