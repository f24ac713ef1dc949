//! The use cases. A flow takes a [`Context`] and typed input and knows nothing of the web. What it does
//! in the database is one closure over a `TenantTx`; hashing and signing stand outside of it.

pub mod account;
pub mod activity;
pub mod administration;
pub mod console;
pub mod context;
pub mod failure;
pub mod federation;
pub mod job_log;
pub mod logo;
pub mod mail;
pub mod metrics;
pub mod oauth;
pub mod tenant_snapshot;
pub mod ties;

pub use context::{Context, Resources};
pub use failure::Failure;
pub use metrics::Metrics;
pub use tenant_snapshot::TenantSnapshot;
