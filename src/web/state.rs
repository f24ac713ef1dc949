//! What every handler shares.

use std::net::IpAddr;
use std::sync::Arc;

use super::metrics::HttpMetrics;
use crate::config::TrustedProxies;
use crate::flows::Context;

pub struct State {
    pub context: Arc<Context>,
    pub trusted_proxies: TrustedProxies,
    /// Signs the cookies that carry browser states.
    pub cookie_key: actix_web::cookie::Key,
    pub metrics: HttpMetrics,
    pub metrics_place: MetricsPlace,
    /// What the welcome page of `dev` shows; no other deployment has one.
    pub welcome: Option<Welcome>,
}

/// Where `/metrics` is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsPlace {
    /// Beside everything else, for loopback alone.
    Here,
    /// On an address of its own.
    Elsewhere,
}

/// Facts for a newcomer: a tenant's addresses, and what to sign in with: the id of a label in the catalogue,
/// and the value.
#[derive(Clone)]
pub struct Welcome {
    pub tenant_name: String,
    pub slug: String,
    pub issuer: String,
    pub hints: Vec<(&'static str, String)>,
}

impl State {
    /// The client's address: the connection's, or what a trusted proxy says it is. `forwarded_for` is a list,
    /// the nearest hop last.
    pub fn client_address(&self, peer: Option<IpAddr>, forwarded_for: &str) -> Option<IpAddr> {
        let mut address = peer?;
        let mut hops = forwarded_for.rsplit(',').map(str::trim);
        // From the nearest hop outwards, as long as a proxy that we trust vouches for the next.
        while self.trusted_proxies.contains(address) {
            match hops.next().and_then(|hop| hop.parse().ok()) {
                Some(next) => address = next,
                None => break,
            }
        }
        Some(address)
    }
}
