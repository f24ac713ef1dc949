//! The address under which the outside reaches this deployment, and the issuers that follow from it.

use url::{Host, Url};

use crate::domain::tenant::Tenant;

/// Scheme, host and port, without a path or a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    host: String,
    scheme: Scheme,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Https,
    /// On loopback only.
    Http,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicUrl {
    #[error("it must be a URL of scheme and host alone, such as https://auth.example.com")]
    Malformed,
    #[error("it must be https, except on loopback: tokens and passwords travel over it")]
    NotHttps,
}

impl PublicUrl {
    pub fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl::Malformed)?;
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let host = url.host_str().filter(|_| bare).ok_or(InvalidPublicUrl::Malformed)?.to_owned();
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" if is_loopback => Scheme::Http,
            "http" => return Err(InvalidPublicUrl::NotHttps),
            _ => return Err(InvalidPublicUrl::Malformed),
        };
        Ok(Self { origin: url.origin().ascii_serialization(), host, scheme })
    }

    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// The host without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// `{PUBLIC_URL}/t/{slug}`, or `https://HOST` for a tenant with a host of its own.
    pub fn issuer(&self, tenant: &Tenant) -> String {
        match &tenant.domain {
            Some(domain) => format!("https://{domain}"),
            None => format!("{}{}", self.origin, self.base_path(tenant)),
        }
    }

    /// The path under which the tenant's endpoints hang.
    pub fn base_path(&self, tenant: &Tenant) -> String {
        match tenant.domain {
            Some(_) => String::new(),
            None => format!("/t/{}", tenant.slug),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_or_loopback() {
        assert_eq!(
            PublicUrl::parse("https://auth.example.com/").unwrap().as_str(),
            "https://auth.example.com"
        );
        assert_eq!(PublicUrl::parse("http://localhost:8080").unwrap().host(), "localhost");
        assert_eq!(PublicUrl::parse("http://auth.example.com"), Err(InvalidPublicUrl::NotHttps));
        assert_eq!(
            PublicUrl::parse("http://127.0.0.1.example.com"),
            Err(InvalidPublicUrl::NotHttps)
        );
        for bad in [
            "",
            "auth.example.com",
            "https://a.example/path",
            "https://u@a.example",
            "ftp://a.example",
        ] {
            assert_eq!(PublicUrl::parse(bad), Err(InvalidPublicUrl::Malformed), "{bad}");
        }
    }
}
