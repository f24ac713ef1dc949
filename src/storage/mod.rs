//! The database, and the only place that knows diesel. `Db` runs closures over a [`TenantTx`] (one
//! tenant) or a [`SystemTx`] (all of them); a file per aggregate turns rows into domain types.

mod activity;
mod allowances;
mod applications;
mod audit_events;
mod authorization_codes;
mod authorization_requests;
mod browser_states;
mod connection;
mod consents;
mod db;
mod email_codes;
mod error;
mod identities;
mod link_offers;
mod mail_orders;
mod members;
mod migrations;
mod one_time_tokens;
mod operators;
mod prefix;
mod providers;
mod refresh_families;
mod revoked_access_tokens;
mod roles;
mod schema;
mod sessions;
mod signing_keys;
mod system_tx;
mod tenant_tx;
mod tenants;
mod threads;
mod upstream_sign_ins;
mod users;

pub use allowances::Spent;
pub use audit_events::AuditFilter;
pub use connection::{DatabaseUrl, InvalidDatabaseUrl};
pub use db::Db;
pub use error::StorageError;
pub use providers::StoredProvider;
pub use refresh_families::{Rotation, UsableFamily};
pub use sessions::{Device, ListedSession};
pub use signing_keys::StoredKey;
pub use system_tx::{Swept, SystemTx};
pub use tenant_tx::TenantTx;
pub use threads::Load;
