//! What every flow works with.

use std::sync::Arc;

use super::metrics::Metrics;
use super::tenant_snapshot::TenantCache;
use crate::config::PublicUrl;
use crate::crypto::hashing_threads::PasswordHasher;
use crate::crypto::refresh_token::RefreshTokens;
use crate::crypto::seal::Sealer;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::entropy::Entropy;
use crate::domain::ids::AuditEventId;
use crate::storage::Db;

pub struct Context {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub hasher: PasswordHasher,
    pub sealer: Sealer,
    pub refresh_tokens: RefreshTokens,
    pub public_url: PublicUrl,
    pub tenants: TenantCache,
    pub metrics: Metrics,
}

impl Context {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An event of now, to be appended in the transaction that does what it tells of.
    pub fn event(
        &self,
        action: Action,
        actor: impl ToString,
        target: impl ToString,
        address: Option<&str>,
    ) -> AuditEvent {
        let now = self.now();
        AuditEvent {
            id: AuditEventId::generate(now, &*self.entropy),
            at: now,
            action,
            actor: actor.to_string(),
            target: target.to_string(),
            address: address.map(str::to_owned),
        }
    }
}
