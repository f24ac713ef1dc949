//! A tenant: an isolated pool of users with an issuer of its own.

use std::fmt;

use super::clock::Timestamp;
use super::ids::TenantId;

/// The slug of the built-in tenant through which people sign in to the console.
pub const CONSOLE_SLUG: &str = "console";

#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: Slug,
    pub name: DisplayName,
    pub domain: Option<Domain>,
    pub status: TenantStatus,
    pub sign_up: SignUp,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantStatus {
    Active,
    Disabled,
}

impl TenantStatus {
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

/// Who may make an account in the tenant by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUp {
    Open,
    Closed,
}

impl SignUp {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Closed].into_iter().find(|policy| policy.as_str() == text)
    }
}

/// The last segment of a tenant's issuer: a DNS label, so that it can become a host name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slug(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a slug is 1 to 63 lower-case letters, digits and inner hyphens, such as `acme` or `acme-staging`"
)]
pub struct InvalidSlug;

impl Slug {
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let well_formed = !text.is_empty()
            && text.len() <= 63
            && text.chars().all(allowed)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidSlug) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host name of a tenant's own, lower case, without port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Domain(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a domain is a host name with at least two labels and no port, such as `login.example.com`"
)]
pub struct InvalidDomain;

impl Domain {
    pub fn parse(text: &str) -> Result<Self, InvalidDomain> {
        let host = text.to_ascii_lowercase();
        let labels: Vec<&str> = host.split('.').collect();
        let is_label = |label: &&str| Slug::parse(label).is_ok();
        let top_is_a_name =
            labels.last().is_some_and(|top| !top.starts_with(|c: char| c.is_ascii_digit()));
        if labels.len() >= 2 && host.len() <= 253 && labels.iter().all(is_label) && top_is_a_name {
            Ok(Self(host))
        } else {
            Err(InvalidDomain)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that people read: of a tenant, an application or a user. 1 to 200 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 200 characters, without line breaks or control characters")]
pub struct InvalidName;

impl DisplayName {
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let trimmed = text.trim();
        let length = trimmed.chars().count();
        if (1..=200).contains(&length) && !trimmed.chars().any(is_unprintable) {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(InvalidName)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first letter, upper case, for a monogram.
    pub fn initial(&self) -> String {
        self.0.chars().next().map(|c| c.to_uppercase().collect()).unwrap_or_default()
    }
}

/// Control characters, and those that reorder the text around them (Trojan-source names).
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_dns_label() {
        for good in ["acme", "a", "acme-2", "0"] {
            assert!(Slug::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Acme", "-a", "a-", "a.b", "a/b", "ä", &"x".repeat(64)] {
            assert_eq!(Slug::parse(bad), Err(InvalidSlug), "{bad}");
        }
    }

    #[test]
    fn a_domain_is_a_host_name_without_port() {
        assert_eq!(Domain::parse("API.example.com").unwrap().as_str(), "api.example.com");
        for bad in ["localhost", "example.com:443", "127.0.0.1", "a..b", "https://a.b", "a.b/"] {
            assert_eq!(Domain::parse(bad), Err(InvalidDomain), "{bad}");
        }
    }

    #[test]
    fn a_name_has_no_control_characters() {
        assert_eq!(DisplayName::parse("  Ada ").unwrap().as_str(), "Ada");
        for bad in ["", "  ", "a\nb", "a\0", "a\u{202e}b", &"x".repeat(201)] {
            assert_eq!(DisplayName::parse(bad), Err(InvalidName), "{bad:?}");
        }
    }
}
