//! An upstream provider of a tenant: where its users may come from, and what it is trusted with.

use std::fmt;

use url::Url;

use super::clock::Timestamp;
use super::email_address::EmailAddress;
use super::identity::Organisation;
use super::ids::ProviderId;
use super::tenant::{DisplayName, Domain, SignUp};

#[derive(Clone, Debug)]
pub struct Provider {
    pub id: ProviderId,
    pub key: ProviderKey,
    pub kind: ProviderKind,
    /// What its button says.
    pub name: DisplayName,
    pub client_id: String,
    pub scopes: Vec<UpstreamScope>,
    /// Empty: any. Otherwise only a verified address in one of them gets in.
    pub allowed_domains: Vec<Domain>,
    /// Who may make an account by it; the tenant's own policy holds as well.
    pub sign_up: SignUp,
    pub unverified_email: UnverifiedEmail,
    pub profile: ProfileRefresh,
    pub tokens: TokenRetention,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenID Connect, with the issuer that the deployment says is Google's.
    Google,
    /// OAuth 2 with GitHub's API; it has no ID token.
    GitHub,
    /// Any OpenID provider.
    Oidc(UpstreamIssuer),
}

impl ProviderKind {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::GitHub => "github",
            Self::Oidc(_) => "oidc",
        }
    }

    pub fn parse(kind: &str, issuer: Option<&str>) -> Result<Self, InvalidProvider> {
        match (kind, issuer) {
            ("google", None) => Ok(Self::Google),
            ("github", None) => Ok(Self::GitHub),
            ("google" | "github", Some(_)) => Err(InvalidProvider::IssuerNotWanted),
            ("oidc", Some(issuer)) => UpstreamIssuer::parse(issuer).map(Self::Oidc),
            ("oidc", None) => Err(InvalidProvider::IssuerMissing),
            (_, _) => Err(InvalidProvider::Kind),
        }
    }

    pub fn issuer(&self) -> Option<&UpstreamIssuer> {
        match self {
            Self::Google | Self::GitHub => None,
            Self::Oidc(issuer) => Some(issuer),
        }
    }

    pub fn default_name(&self, key: &ProviderKey) -> String {
        match self {
            Self::Google => "Google".to_owned(),
            Self::GitHub => "GitHub".to_owned(),
            Self::Oidc(_) => {
                let (first, rest) = key.as_str().split_at(1);
                first.to_uppercase() + rest
            }
        }
    }

    pub const fn default_scopes(&self) -> &'static [&'static str] {
        match self {
            Self::Google | Self::Oidc(_) => &["openid", "email", "profile"],
            Self::GitHub => &["read:user", "user:email"],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProvider {
    #[error("a provider is google, github or oidc")]
    Kind,
    #[error("an oidc provider needs its issuer, such as https://login.example.com")]
    IssuerMissing,
    #[error("only an oidc provider has an issuer of its own; leave it out")]
    IssuerNotWanted,
    #[error("an issuer is an https URL without query and fragment (OpenID Connect Discovery §3)")]
    Issuer,
    #[error(
        "a key is 1 to 32 lower-case letters, digits and inner hyphens, beginning with a letter, and not `link`"
    )]
    Key,
    #[error("a scope is a word of printable ASCII without quotes and backslash (RFC 6749 §3.3)")]
    Scope,
    #[error("the client id is 1 to 255 printable ASCII characters")]
    ClientId,
}

/// `/federation/link` is a page.
const RESERVED: &str = "link";

/// The segment of the provider's paths, and what an app names it by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderKey(String);

impl ProviderKey {
    pub fn parse(text: &str) -> Result<Self, InvalidProvider> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_key = text.len() <= 32
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(allowed)
            && !text.ends_with('-')
            && text != RESERVED;
        if is_key { Ok(Self(text.to_owned())) } else { Err(InvalidProvider::Key) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The issuer of an OpenID provider, byte for byte as its ID tokens name it. Plain http is possible here;
/// what a server may call, the deployment decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamIssuer(String);

impl UpstreamIssuer {
    pub fn parse(text: &str) -> Result<Self, InvalidProvider> {
        let url = Url::parse(text).map_err(|_| InvalidProvider::Issuer)?;
        let is_issuer = matches!(url.scheme(), "https" | "http")
            && url.host().is_some()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && text.len() <= 500
            && text.chars().all(|c| c.is_ascii_graphic());
        if is_issuer { Ok(Self(text.to_owned())) } else { Err(InvalidProvider::Issuer) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 6749 §3.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamScope(String);

impl UpstreamScope {
    pub fn parse(text: &str) -> Result<Self, InvalidProvider> {
        let allowed = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
        let is_scope = !text.is_empty() && text.len() <= 255 && text.chars().all(allowed);
        if is_scope { Ok(Self(text.to_owned())) } else { Err(InvalidProvider::Scope) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What becomes of somebody new whose address the provider does not vouch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnverifiedEmail {
    Refused,
    /// An account, its address unverified.
    Accepted,
}

impl UnverifiedEmail {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refuse",
            Self::Accepted => "accept",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Refused, Self::Accepted].into_iter().find(|policy| policy.as_str() == text)
    }
}

/// How often name and picture are taken over from the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileRefresh {
    FirstSignIn,
    /// But never over what the user has changed.
    EverySignIn,
}

impl ProfileRefresh {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstSignIn => "first",
            Self::EverySignIn => "every",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::FirstSignIn, Self::EverySignIn].into_iter().find(|when| when.as_str() == text)
    }
}

/// What becomes of the tokens that the provider gives with a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRetention {
    Discarded,
    /// Sealed, for applications that may have them.
    Kept,
}

impl TokenRetention {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discarded => "discard",
            Self::Kept => "keep",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Discarded, Self::Kept].into_iter().find(|what| what.as_str() == text)
    }
}

impl Provider {
    /// `email` is one that the provider has verified. Google has verified those of others once, when the account
    /// was made; it vouches for today only where it keeps the mailbox.
    pub fn allows(&self, email: &EmailAddress, organisation: Organisation) -> bool {
        let is_it = |allowed: &Domain| allowed.as_str() == email.domain();
        let is_todays = match self.kind {
            ProviderKind::Google => {
                organisation == Organisation::Member || email.domain() == "gmail.com"
            }
            ProviderKind::GitHub | ProviderKind::Oidc(_) => true,
        };
        self.allows_any() || (is_todays && self.allowed_domains.iter().any(is_it))
    }

    pub fn allows_any(&self) -> bool {
        self.allowed_domains.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_plain_path_segment() {
        for good in ["google", "g", "okta-2", "a1"] {
            assert_eq!(ProviderKey::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "1a", "A", "a/b", "a.b", "ä", "..", "link", &"a".repeat(33)] {
            assert_eq!(ProviderKey::parse(bad), Err(InvalidProvider::Key), "{bad:?}");
        }
    }

    #[test]
    fn an_issuer_is_a_bare_url() {
        for good in ["https://login.example.com", "https://x.example/tenant/v2.0/"] {
            assert_eq!(UpstreamIssuer::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "login.example.com",
            "ftp://x.example",
            "https://x.example?a=b",
            "https://x.example#a",
            "https://u:p@x.example",
            "https://",
            "javascript:alert(1)",
        ] {
            assert_eq!(UpstreamIssuer::parse(bad), Err(InvalidProvider::Issuer), "{bad:?}");
        }
    }

    #[test]
    fn only_an_oidc_provider_has_an_issuer() {
        assert_eq!(ProviderKind::parse("google", None), Ok(ProviderKind::Google));
        assert_eq!(
            ProviderKind::parse("google", Some("https://x.example")),
            Err(InvalidProvider::IssuerNotWanted)
        );
        assert_eq!(ProviderKind::parse("oidc", None), Err(InvalidProvider::IssuerMissing));
        assert_eq!(ProviderKind::parse("saml", None), Err(InvalidProvider::Kind));
    }
}
