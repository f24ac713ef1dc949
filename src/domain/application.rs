//! An application of a tenant: an OAuth client, with what it may do.

use std::time::Duration;

use super::clock::Timestamp;
use super::ids::{ApplicationId, ClientSecretId};
use super::redirect_uri::{Audience, Origin, RedirectUri};
use super::scope::Scope;
use super::secret::SecretDigest;
use super::signing_key::Algorithm;
use super::tenant::DisplayName;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug)]
pub struct Application {
    pub id: ApplicationId,
    pub name: DisplayName,
    pub kind: ApplicationKind,
    pub status: ApplicationStatus,
    pub direct_login: DirectLogin,
    /// Stands in for a client that does not name itself in the JSON API.
    pub is_default: bool,
    pub party: Party,
    pub upstream_tokens: UpstreamTokenAccess,
    /// `aud` of its access tokens, where no `resource` is asked for; the issuer if absent.
    pub audience: Option<Audience>,
    pub redirect_uris: Vec<RedirectUri>,
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    pub allowed_origins: Vec<Origin>,
    /// What `resource` (RFC 8707) may name, besides the audience.
    pub resources: Vec<Audience>,
    pub secrets: Vec<ClientSecret>,
    pub tokens: TokenSettings,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct ClientSecret {
    pub id: ClientSecretId,
    pub digest: SecretDigest,
    pub created_at: Timestamp,
}

/// An application has so many secrets at most: the old one works until its successor is in use.
pub const MAX_SECRETS: usize = 2;

/// RFC 6749 §2.1, RFC 8252: what the application is decides how it proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationKind {
    /// Runs on a server and keeps a secret.
    Web,
    /// Runs in a browser: a public client.
    Spa,
    /// Runs on a device: a public client.
    Native,
    /// Acts for itself, not for a user.
    Service,
}

impl ApplicationKind {
    pub const ALL: [Self; 4] = [Self::Web, Self::Spa, Self::Native, Self::Service];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Spa => "spa",
            Self::Native => "native",
            Self::Service => "service",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub const fn is_confidential(self) -> bool {
        match self {
            Self::Web | Self::Service => true,
            Self::Spa | Self::Native => false,
        }
    }

    /// Whether it signs users in: by code, by refresh and, if allowed, by the JSON API.
    pub const fn acts_for_users(self) -> bool {
        match self {
            Self::Web | Self::Spa | Self::Native => true,
            Self::Service => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationStatus {
    Active,
    Disabled,
}

impl ApplicationStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == text)
    }
}

/// Whether the application may post e-mail and password to the JSON API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectLogin {
    Allowed,
    Refused,
}

/// Whether the application may have the tokens that providers gave its users, by a scope of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamTokenAccess {
    Allowed,
    Refused,
}

/// Whose the application is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The tenant's own.
    First,
    /// Somebody else's: its users are asked what it may see.
    Third,
}

impl Party {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Third => "third",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::First, Self::Third].into_iter().find(|party| party.as_str() == text)
    }
}

/// How the client proved itself on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// With its secret.
    Authenticated,
    /// Only by its `client_id`.
    Unauthenticated,
}

/// How long an application's tokens live; a tenant decides what its new applications begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    pub access_token: Duration,
    /// Unused for this long, a refresh family ends.
    pub refresh_idle: Duration,
    /// This long after the sign-in, a refresh family ends.
    pub refresh_absolute: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access_token: Duration::from_secs(15 * 60),
            refresh_idle: Duration::from_secs(7 * 24 * 60 * 60),
            refresh_absolute: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// Which of the lifetimes is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeProblem {
    #[error("an access token lives 1 to 60 minutes")]
    AccessToken,
    #[error("a sign-in lasts at least as long unused as an access token, and 90 days at most")]
    RefreshIdle,
    #[error("a sign-in lasts altogether at least as long as unused, and 90 days at most")]
    RefreshAbsolute,
}

impl Lifetimes {
    pub fn check(&self) -> Result<(), LifetimeProblem> {
        let Self { access_token, refresh_idle, refresh_absolute } = *self;
        if !(MIN_ACCESS_TOKEN_LIFE..=MAX_ACCESS_TOKEN_LIFE).contains(&access_token) {
            Err(LifetimeProblem::AccessToken)
        } else if !(access_token..=MAX_REFRESH_LIFE).contains(&refresh_idle) {
            Err(LifetimeProblem::RefreshIdle)
        } else if !(refresh_idle..=MAX_REFRESH_LIFE).contains(&refresh_absolute) {
            Err(LifetimeProblem::RefreshAbsolute)
        } else {
            Ok(())
        }
    }
}

/// Algorithms and lifetimes of an application's tokens.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    pub access_token_algorithm: Algorithm,
    pub id_token_algorithm: Algorithm,
    pub access_token_life: Duration,
    /// Unused for this long, a refresh family ends.
    pub refresh_idle_life: Duration,
    /// This long after the sign-in, a refresh family ends.
    pub refresh_absolute_life: Duration,
    /// How long the token before the newest still answers with the newest; `None` is the default.
    pub reuse_window: Option<Duration>,
}

pub const MIN_ACCESS_TOKEN_LIFE: Duration = MINUTE;
pub const MAX_ACCESS_TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);
pub const MAX_REFRESH_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
pub const MAX_REUSE_WINDOW: Duration = DAY;
const PUBLIC_REUSE_WINDOW: Duration = Duration::from_secs(30);
const MAX_PUBLIC_REUSE_WINDOW: Duration = MINUTE;

impl Default for TokenSettings {
    fn default() -> Self {
        Self::beginning_with(Lifetimes::default())
    }
}

impl TokenSettings {
    pub const fn beginning_with(lifetimes: Lifetimes) -> Self {
        Self {
            access_token_algorithm: Algorithm::Es256,
            id_token_algorithm: Algorithm::Rs256,
            access_token_life: lifetimes.access_token,
            refresh_idle_life: lifetimes.refresh_idle,
            refresh_absolute_life: lifetimes.refresh_absolute,
            reuse_window: None,
        }
    }

    pub const fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            access_token: self.access_token_life,
            refresh_idle: self.refresh_idle_life,
            refresh_absolute: self.refresh_absolute_life,
        }
    }

    /// Long for a client that authenticates, since a thief would need its secret as well and
    /// server-side frontends lose rotated cookies; a minute at most for all others.
    pub fn reuse_window(&self, client: ClientAuthentication) -> Duration {
        match client {
            ClientAuthentication::Authenticated => self.reuse_window.unwrap_or(MAX_REUSE_WINDOW),
            ClientAuthentication::Unauthenticated => {
                self.reuse_window.unwrap_or(PUBLIC_REUSE_WINDOW).min(MAX_PUBLIC_REUSE_WINDOW)
            }
        }
    }
}

impl Application {
    /// The registered redirect URI that `presented` is, if any.
    pub fn accepts_redirect_uri(&self, presented: &str) -> bool {
        self.redirect_uris.iter().any(|uri| uri.matches(presented, self.kind))
    }

    pub fn accepts_post_logout_redirect_uri(&self, presented: &str) -> bool {
        self.post_logout_redirect_uris.iter().any(|uri| uri.matches(presented, self.kind))
    }

    pub fn allows_origin(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed.as_str() == origin)
    }

    pub fn may_ask_for(&self, scope: Scope) -> bool {
        match scope {
            Scope::UpstreamTokens => self.upstream_tokens == UpstreamTokenAccess::Allowed,
            Scope::OpenId | Scope::Profile | Scope::Email | Scope::Roles | Scope::OfflineAccess => {
                true
            }
        }
    }

    /// Whether the application may ask for tokens for `resource` (RFC 8707 §2).
    pub fn allows_resource(&self, resource: &str, issuer: &str) -> bool {
        resource == issuer
            || self
                .audience
                .iter()
                .chain(&self.resources)
                .any(|audience| audience.as_str() == resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_in_their_ranges_and_in_order() {
        let (minute, hour, day) = (60, 60 * 60, 24 * 60 * 60);
        let check = |access, idle, absolute| {
            let [access_token, refresh_idle, refresh_absolute] =
                [access, idle, absolute].map(Duration::from_secs);
            Lifetimes { access_token, refresh_idle, refresh_absolute }.check()
        };
        assert_eq!(Lifetimes::default().check(), Ok(()));
        assert_eq!(check(minute, minute, minute), Ok(()));
        assert_eq!(check(hour, 90 * day, 90 * day), Ok(()));
        assert_eq!(check(minute - 1, day, day), Err(LifetimeProblem::AccessToken));
        assert_eq!(check(hour + 1, day, day), Err(LifetimeProblem::AccessToken));
        assert_eq!(check(hour, hour - 1, day), Err(LifetimeProblem::RefreshIdle));
        assert_eq!(check(hour, 90 * day + 1, 91 * day), Err(LifetimeProblem::RefreshIdle));
        assert_eq!(check(hour, day, day - 1), Err(LifetimeProblem::RefreshAbsolute));
        assert_eq!(check(hour, day, 90 * day + 1), Err(LifetimeProblem::RefreshAbsolute));
    }
}
