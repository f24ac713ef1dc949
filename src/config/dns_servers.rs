//! The name servers that prove whose a host is.

use std::net::SocketAddr;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address and port; write them as 192.0.2.53:53, [2001:db8::53]:53")]
pub struct InvalidDnsServer(String);

/// Addresses with ports, parted by commas. None: those of the system.
pub(super) fn parse(text: &str) -> Result<Vec<SocketAddr>, InvalidDnsServer> {
    let servers = text.split(',').map(str::trim).filter(|server| !server.is_empty());
    servers.map(|text| text.parse().map_err(|_| InvalidDnsServer(text.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_addresses_with_ports() {
        let servers = parse("192.0.2.53:53, [2001:db8::53]:5353,").unwrap();
        let expected = ["192.0.2.53:53", "[2001:db8::53]:5353"];
        assert_eq!(servers, expected.map(|server| server.parse().unwrap()));
        assert!(parse("").unwrap().is_empty());
        for bad in ["192.0.2.53", "dns.example.com:53", "2001:db8::53", ":53"] {
            assert_eq!(parse(bad), Err(InvalidDnsServer(bad.to_owned())));
        }
    }
}
