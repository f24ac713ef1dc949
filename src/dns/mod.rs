//! Asking DNS for TXT records, which is where a host says whose it is. Bounded in time and number; an answer is
//! 64 KB at most, by the protocol.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, Record};
use hickory_resolver::{Resolver, TokioResolver};
use tokio::sync::Semaphore;

/// One look-up, with all that is asked again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Each question, which is asked twice.
const QUESTION_PATIENCE: Duration = Duration::from_secs(2);
/// Look-ups under way at once.
const MAX_LOOKUPS: usize = 16;

/// Why nothing is known. Texts are for the log.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    #[error("too many look-ups are under way")]
    Busy,
    #[error("DNS does not answer: {0}")]
    Unreachable(String),
}

pub struct TxtLookup {
    servers: Vec<SocketAddr>,
    slots: Semaphore,
}

impl TxtLookup {
    /// Asks these servers or, if there are none, those that the system is configured with.
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers, slots: Semaphore::new(MAX_LOOKUPS) }
    }

    /// The TXT records at `name`, the strings of each joined (RFC 7208 §3.3); empty if there is none. An alias
    /// (`CNAME`) leads nowhere: what is said elsewhere was not said by whoever has this name.
    pub async fn find(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let _slot = self.slots.try_acquire().map_err(|_| DnsError::Busy)?;
        let too_long = |_| DnsError::Unreachable("it takes too long".to_owned());
        tokio::time::timeout(PATIENCE, self.ask(name)).await.map_err(too_long)?
    }

    /// Whether it is answered at all, whatever the answer.
    pub async fn check(&self, name: &str) -> Result<String, DnsError> {
        self.find(name).await?;
        Ok(match self.servers.as_slice() {
            [] => "the system's servers answer".to_owned(),
            servers => {
                let servers: Vec<_> = servers.iter().map(ToString::to_string).collect();
                format!("{} answers", servers.join(", "))
            }
        })
    }

    async fn ask(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let unreachable = |error: NetError| DnsError::Unreachable(error.to_string());
        let mut name = Name::from_ascii(name).map_err(|error| unreachable(error.into()))?;
        // From the root on, so that the system's search list adds nothing.
        name.set_fqdn(true);
        let resolver = self.resolver().map_err(unreachable)?;
        match resolver.txt_lookup(name.clone()).await {
            Ok(found) => {
                Ok(found.answers().iter().filter(|it| it.name == name).filter_map(text).collect())
            }
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(unreachable(error)),
        }
    }

    /// Made for each look-up: it remembers nothing, since a user sets a record and tries again; it goes by the
    /// system's configuration as it is now; and a machine without any still starts.
    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let mut builder = match self.servers.as_slice() {
            [] => TokioResolver::builder_tokio()?,
            servers => {
                let servers = servers.iter().map(name_server).collect();
                let config = ResolverConfig::from_parts(None, Vec::new(), servers);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = QUESTION_PATIENCE;
        options.attempts = 2;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        builder.build()
    }
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

fn text(record: &Record) -> Option<String> {
    let RData::TXT(text) = &record.data else { return None };
    Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned())
}
