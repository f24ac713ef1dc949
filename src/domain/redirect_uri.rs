//! Redirect URIs and origins that an application registers.

use std::fmt;

use url::{Host, Url};

use super::application::ApplicationKind;

const MAX_LENGTH: usize = 2_000;

/// A registered redirect URI, kept as it was written: it is compared as a string (RFC 9700 §2.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedirectUri(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    #[error("it is not an absolute URI, such as https://app.example.com/callback")]
    NotAbsolute,
    #[error("it is longer than 2,000 characters")]
    TooLong,
    #[error("it has a fragment (`#…`), which RFC 6749 §3.1.2 forbids")]
    Fragment,
    #[error("it has a user name or password in it")]
    UserInfo,
    #[error("http is allowed for localhost, 127.0.0.1 and [::1] only: use https")]
    PlainHttp,
    #[error(
        "only a native app may use a scheme of its own, and it must contain a dot, such as com.example.app:/callback (RFC 8252 §7.1)"
    )]
    PrivateScheme,
    #[error("it has a wildcard; every redirect URI is registered in full")]
    Wildcard,
}

impl RedirectUri {
    pub fn parse(text: &str, kind: ApplicationKind) -> Result<Self, InvalidRedirectUri> {
        use InvalidRedirectUri as Problem;
        if text.len() > MAX_LENGTH {
            return Err(Problem::TooLong);
        }
        let printable = text.chars().all(|c| c.is_ascii_graphic());
        let url = Url::parse(text).ok().filter(|_| printable).ok_or(Problem::NotAbsolute)?;
        if url.fragment().is_some() {
            return Err(Problem::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Problem::UserInfo);
        }
        if text.contains('*') {
            return Err(Problem::Wildcard);
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if is_loopback(&url) => Ok(()),
            "http" => Err(Problem::PlainHttp),
            scheme if kind == ApplicationKind::Native && scheme.contains('.') => Ok(()),
            _ => Err(Problem::PrivateScheme),
        }?;
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is this URI. Exactly, save that a native app may listen on any port
    /// of a loopback IP address (RFC 8252 §7.3).
    pub fn matches(&self, presented: &str, kind: ApplicationKind) -> bool {
        if self.0 == presented {
            return true;
        }
        kind == ApplicationKind::Native
            && match (loopback_ip_without_port(&self.0), loopback_ip_without_port(presented)) {
                (Some(registered), Some(presented)) => registered == presented,
                _ => false,
            }
    }

    /// What `form-action` of a page must allow for a form to end here: the origin, or the
    /// private scheme.
    pub fn form_action_source(uri: &str) -> Option<String> {
        let url = Url::parse(uri).ok()?;
        match url.scheme() {
            "http" | "https" => Some(url.origin().ascii_serialization()),
            scheme => Some(format!("{scheme}:")),
        }
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// `http://127.0.0.1:PORT/path` as (`http://127.0.0.1`, `/path`), text for text; `None` for all else.
fn loopback_ip_without_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let (head, tail) = uri.split_at("http://".len() + host.len());
    let Some(after_colon) = tail.strip_prefix(':') else {
        let at_boundary = tail.is_empty() || tail.starts_with(['/', '?']);
        return at_boundary.then_some((head, tail));
    };
    let digits = after_colon.bytes().take_while(u8::is_ascii_digit).count();
    let (port, path) = after_colon.split_at(digits);
    let at_boundary = path.is_empty() || path.starts_with(['/', '?']);
    (at_boundary && port.parse::<u16>().is_ok()).then_some((head, path))
}

/// An origin that an application's pages are served from (RFC 6454 §6.2), as browsers write it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is scheme, host and port alone, such as https://app.example.com; http only for localhost"
)]
pub struct InvalidOrigin;

impl Origin {
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::parse(text).map_err(|_| InvalidOrigin)?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if secure && !text.contains('*') && url.origin().ascii_serialization() == text {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidOrigin)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An absolute URI without a fragment that names an API (RFC 8707 §2), or any other word an
/// application wants as the audience of its access tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Audience(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an audience is 1 to 500 printable characters without spaces, such as https://api.example.com"
)]
pub struct InvalidAudience;

impl Audience {
    pub fn parse(text: &str) -> Result<Self, InvalidAudience> {
        if (1..=500).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAudience)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ApplicationKind::{Native, Web};

    #[test]
    fn a_redirect_uri_is_https_or_loopback_or_a_native_scheme() {
        for good in [
            "https://a.example/cb",
            "http://localhost:3000/cb",
            "http://127.0.0.1/cb?x=1",
            "http://[::1]:9/cb",
        ] {
            assert!(RedirectUri::parse(good, Web).is_ok(), "{good}");
        }
        assert!(RedirectUri::parse("com.example.app:/cb", Native).is_ok());
        for bad in [
            "",
            "/cb",
            "http://a.example/cb",
            "https://a.example/cb#f",
            "https://u:p@a.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "com.example.app:/cb",
            "https://*.a.example/cb",
            "https://a.example/c b",
            "http://localhost.evil.example/",
        ] {
            assert!(RedirectUri::parse(bad, Web).is_err(), "{bad}");
        }
        for bad in ["javascript:alert(1)", "myapp:/cb"] {
            assert!(RedirectUri::parse(bad, Native).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_may_differ_and_only_for_native_apps() {
        let uri = RedirectUri::parse("http://127.0.0.1/cb", Native).unwrap();
        assert!(uri.matches("http://127.0.0.1/cb", Web));
        assert!(uri.matches("http://127.0.0.1:51004/cb", Native));
        assert!(!uri.matches("http://127.0.0.1:51004/cb", Web));
        for other in [
            "http://127.0.0.1:51004/cb/",
            "http://127.0.0.1:51004/",
            "http://localhost:51004/cb",
            "https://127.0.0.1:51004/cb",
            "http://127.0.0.1:51004@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:/cb",
        ] {
            assert!(!uri.matches(other, Native), "{other}");
        }
        let named = RedirectUri::parse("http://localhost:1/cb", Native).unwrap();
        assert!(!named.matches("http://localhost:2/cb", Native));
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        assert!(Origin::parse("https://app.example.com").is_ok());
        assert!(Origin::parse("http://localhost:5173").is_ok());
        for bad in [
            "https://app.example.com/",
            "https://app.example.com:443",
            "http://app.example.com",
            "null",
            "*",
            "https://*.example.com",
        ] {
            assert_eq!(Origin::parse(bad), Err(InvalidOrigin), "{bad}");
        }
    }
}
