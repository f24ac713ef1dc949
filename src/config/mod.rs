//! Typed settings, and the only reader of the environment. Every problem is found before any is told.

mod dns_servers;
mod mail_settings;
mod public_url;
mod settings;
mod trusted_proxies;
mod upstreams;

pub use dns_servers::InvalidDnsServer;
pub use mail_settings::MailSettings;
pub use public_url::{InvalidPublicUrl, PublicUrl, Scheme};
pub use settings::{
    LogFormat, LogSettings, MasterKeySource, Problems, ServeSettings, StoreSettings, TenantLabel,
    listen, logging,
};
pub use trusted_proxies::{InvalidProxy, TrustedProxies};
pub use upstreams::{InvalidUpstream, UpstreamSettings};
