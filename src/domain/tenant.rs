//! A tenant: an isolated pool of users with an issuer of its own.

use std::fmt;

use url::Host;

use super::application::Lifetimes;
use super::clock::Timestamp;
use super::email_address::EmailAddress;
use super::ids::TenantId;
use super::logo::LogoVersion;
use super::password::MinLength;
use super::user::User;

/// The slug of the built-in tenant through which people sign in to the console.
pub const CONSOLE_SLUG: &str = "console";

#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: Slug,
    pub name: DisplayName,
    pub domain: Option<Domain>,
    pub status: TenantStatus,
    pub accounts: AccountPolicy,
    /// What its new applications begin with.
    pub lifetimes: Lifetimes,
    /// The colour of its pages and mail; ours if absent.
    pub accent: Option<Accent>,
    /// The picture on its pages and mail; the first letter of its name if absent.
    pub logo: Option<LogoVersion>,
    /// Where answers to its mail go.
    pub reply_to: Option<EmailAddress>,
    pub created_at: Timestamp,
    /// Set while the tenant waits to be deleted.
    pub deletes_at: Option<Timestamp>,
}

impl Tenant {
    /// Whether it answers at all: it is neither suspended nor waiting to be deleted.
    pub fn is_open(&self) -> bool {
        self.status == TenantStatus::Active && self.deletes_at.is_none()
    }
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

/// What a tenant decides about the accounts of its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountPolicy {
    pub sign_up: SignUp,
    pub email_verification: EmailVerification,
    pub email_code: EmailCode,
    pub password_min_length: MinLength,
    /// Days between asking for an account's deletion and the deletion.
    pub deletion_grace_days: u16,
}

impl AccountPolicy {
    /// Whether the user must prove their address before they get anywhere.
    pub fn awaits_verification(&self, user: &User) -> bool {
        self.email_verification == EmailVerification::Required && !user.email_verified
    }
}

/// Longer would be no deletion any more.
pub const MAX_DELETION_GRACE_DAYS: u16 = 90;

impl Default for AccountPolicy {
    fn default() -> Self {
        Self {
            sign_up: SignUp::Open,
            email_verification: EmailVerification::Optional,
            email_code: EmailCode::Off,
            password_min_length: MinLength::default(),
            deletion_grace_days: 14,
        }
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

/// Whether a user must have proved that the address is theirs before they sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailVerification {
    Optional,
    Required,
}

impl EmailVerification {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Optional, Self::Required].into_iter().find(|policy| policy.as_str() == text)
    }
}

/// Whether users may sign in by a code that is mailed to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailCode {
    Off,
    On,
}

impl EmailCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Off, Self::On].into_iter().find(|policy| policy.as_str() == text)
    }
}

/// A colour, sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent {
    red: u8,
    green: u8,
    blue: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour is `#` and six hexadecimal digits, such as #136f58")]
pub struct InvalidAccent;

/// WCAG 2.2 §1.4.3: the contrast that text of normal size needs.
const READABLE: f64 = 4.5;

impl Accent {
    /// That of the style sheet.
    pub const OURS: Self = Self { red: 0x13, green: 0x6f, blue: 0x58 };
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    const BLACK: Self = Self { red: 0, green: 0, blue: 0 };

    pub fn parse(text: &str) -> Result<Self, InvalidAccent> {
        let is_hex =
            |digits: &&str| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let digits = text.strip_prefix('#').filter(is_hex).ok_or(InvalidAccent)?;
        let part =
            |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| InvalidAccent);
        Ok(Self { red: part(0)?, green: part(2)?, blue: part(4)? })
    }

    /// This colour, darkened as little as it takes for white text on it to be readable. The hue stays.
    pub fn under_white_text(self) -> Self {
        (0..=100)
            .map(|percent| self.mixed_with(Self::BLACK, percent))
            .find(|colour| colour.contrast(Self::WHITE) >= READABLE)
            .unwrap_or(Self::BLACK)
    }

    fn mixed_with(self, other: Self, percent: u32) -> Self {
        let mix = |a: u8, b: u8| {
            let mixed = (u32::from(a) * (100 - percent) + u32::from(b) * percent) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// WCAG 2.2, "contrast ratio".
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
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
        // As DNS has it (RFC 5890): `bücher.example` is `xn--bcher-kva.example`.
        let Ok(Host::Domain(host)) = Host::parse(text) else { return Err(InvalidDomain) };
        if text.contains('%') {
            return Err(InvalidDomain);
        }
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
    fn any_colour_becomes_one_that_white_text_can_be_read_on() {
        for text in ["#ffffff", "#ffff00", "#00ff00", "#136f58", "#000000", "#ff6600"] {
            let colour = Accent::parse(text).unwrap();
            assert!(colour.under_white_text().contrast(Accent::WHITE) >= READABLE, "{text}");
        }
        let dark = Accent::parse("#136F58").unwrap();
        assert_eq!(dark.under_white_text().to_string(), "#136f58");
        for bad in ["", "136f58", "#136f5", "#136f588", "#13 f58", "#+36f58", "#1+6f58", "red"] {
            assert_eq!(Accent::parse(bad), Err(InvalidAccent), "{bad}");
        }
    }

    #[test]
    fn a_domain_is_a_host_name_without_port() {
        assert_eq!(Domain::parse("API.example.com").unwrap().as_str(), "api.example.com");
        assert_eq!(Domain::parse("bücher.example").unwrap().as_str(), "xn--bcher-kva.example");
        for bad in
            ["localhost", "example.com:443", "127.0.0.1", "a..b", "https://a.b", "a.b/", "a%2Eb.c"]
        {
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
