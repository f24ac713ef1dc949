//! What the deployment decides about calls to upstream providers.

use url::Url;

use crate::domain::provider::UpstreamIssuer;

#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Hosts and ports that may be called although they are not public, or without TLS.
    pub allowed: Vec<(String, u16)>,
    pub google_issuer: UpstreamIssuer,
    pub github_url: Url,
    pub github_api_url: Url,
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidUpstream {
    #[error("`{0}` is no host and port, such as ghe.internal:443")]
    Target(String),
    #[error("`{0}` is no http or https URL without query")]
    Url(String),
}

impl Default for UpstreamSettings {
    #[expect(clippy::expect_used, reason = "constants, which a test parses")]
    fn default() -> Self {
        let url = |text| parse_url(text).expect("a URL");
        Self {
            allowed: Vec::new(),
            google_issuer: parse_issuer("https://accounts.google.com").expect("an issuer"),
            github_url: url("https://github.com"),
            github_api_url: url("https://api.github.com"),
        }
    }
}

/// `host:port`, parted by commas. An IPv6 address stands in brackets.
pub(super) fn parse_allowed(text: &str) -> Result<Vec<(String, u16)>, InvalidUpstream> {
    let targets = text.split(',').map(str::trim).filter(|target| !target.is_empty());
    targets.map(parse_target).collect()
}

fn parse_target(text: &str) -> Result<(String, u16), InvalidUpstream> {
    let invalid = || InvalidUpstream::Target(text.to_owned());
    let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
    let port = port.parse().map_err(|_| invalid())?;
    // As a URL writes it: lower case, and addresses in their one form.
    let url = Url::parse(&format!("https://{host}:{port}/")).map_err(|_| invalid())?;
    let is_bare = url.path() == "/" && url.username().is_empty();
    let host = url.host_str().filter(|_| is_bare).ok_or_else(invalid)?;
    Ok((host.to_owned(), port))
}

pub(super) fn parse_issuer(text: &str) -> Result<UpstreamIssuer, InvalidUpstream> {
    UpstreamIssuer::parse(text).map_err(|_| InvalidUpstream::Url(text.to_owned()))
}

pub(super) fn parse_url(text: &str) -> Result<Url, InvalidUpstream> {
    // What an issuer may look like is what such a URL may look like.
    let url = UpstreamIssuer::parse(text).ok().and_then(|url| Url::parse(url.as_str()).ok());
    url.ok_or_else(|| InvalidUpstream::Url(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_targets_are_hosts_with_ports() {
        let allowed = parse_allowed("GHE.internal:443, 127.0.0.1:4000,[::1]:80,").unwrap();
        let expected = [("ghe.internal", 443), ("127.0.0.1", 4_000), ("[::1]", 80)];
        assert_eq!(allowed, expected.map(|(host, port)| (host.to_owned(), port)));
        assert!(parse_allowed("").unwrap().is_empty());
        for bad in ["ghe.internal", "host:99999", "https://x:1", "a/b:1", "u@x:1", ":1"] {
            assert!(parse_allowed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_defaults_are_the_real_ones() {
        let defaults = UpstreamSettings::default();
        assert_eq!(defaults.google_issuer.as_str(), "https://accounts.google.com");
        assert_eq!(defaults.github_url.as_str(), "https://github.com/");
        assert!(defaults.allowed.is_empty());
        assert!(parse_url("ftp://x").is_err());
    }
}
