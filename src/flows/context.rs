//! What every flow works with.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};

use super::activity::ActivityCounter;
use super::administration::health::KeptSurvey;
use super::job_log::JobLog;
use super::mail::health::MailHealth;
use super::metrics::Metrics;
use super::tenant_snapshot::TenantCache;
use crate::config::PublicUrl;
use crate::crypto::hashing_threads::PasswordHasher;
use crate::crypto::mac::Mac;
use crate::crypto::master_key::{MasterKey, Purpose};
use crate::crypto::refresh_token::RefreshTokens;
use crate::crypto::seal::Sealer;
use crate::dns::TxtLookup;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::email_address::EmailAddress;
use crate::domain::entropy::Entropy;
use crate::domain::ids::{MailId, TenantId};
use crate::domain::mail_order::{Letter, MailOrder, MailStatus};
use crate::mail::Mailer;
use crate::storage::Db;
use crate::upstream::Upstreams;

pub struct Context {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub hasher: PasswordHasher,
    pub sealer: Sealer,
    pub refresh_tokens: RefreshTokens,
    pub email_codes: Mac,
    pub known_devices: Mac,
    pub console_keys: Mac,
    pub public_url: PublicUrl,
    pub tenants: TenantCache,
    pub upstreams: Upstreams,
    pub dns: TxtLookup,
    pub metrics: Metrics,
    pub activity: ActivityCounter,
    pub jobs: JobLog,
    pub mailer: Mailer,
    pub mail_health: MailHealth,
    pub key_survey: KeptSurvey,
    /// One picture is drawn at a time: it takes memory and a core.
    pub drawing: Semaphore,
    /// Rung when mail has been ordered, for whoever sends it.
    pub mail_bell: Notify,
}

/// What a context is made of, besides the master key.
pub struct Resources {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub hasher: PasswordHasher,
    pub public_url: PublicUrl,
    pub upstreams: Upstreams,
    pub dns: TxtLookup,
    pub mailer: Mailer,
}

impl Context {
    pub fn new(resources: Resources, key: &MasterKey) -> Self {
        let Resources { db, clock, entropy, hasher, public_url, upstreams, dns, mailer } =
            resources;
        Self {
            db,
            clock,
            entropy,
            hasher,
            sealer: Sealer::new(key),
            refresh_tokens: RefreshTokens::new(key),
            email_codes: Mac::new(key, Purpose::EmailCodes),
            known_devices: Mac::new(key, Purpose::KnownDevices),
            console_keys: Mac::new(key, Purpose::Console),
            public_url,
            tenants: TenantCache::default(),
            metrics: Metrics::default(),
            activity: ActivityCounter::default(),
            jobs: JobLog::default(),
            upstreams,
            dns,
            mailer,
            mail_health: MailHealth::default(),
            key_survey: KeptSurvey::default(),
            drawing: Semaphore::new(1),
            mail_bell: Notify::new(),
        }
    }

    /// An order for a letter, to be inserted in the transaction that is the reason for it.
    pub fn letter(
        &self,
        tenant: TenantId,
        letter: Letter,
        email: &EmailAddress,
        subject: Option<String>,
    ) -> MailOrder {
        let now = self.now();
        MailOrder {
            id: MailId::generate(now, &*self.entropy),
            tenant_id: tenant,
            letter,
            email: email.clone(),
            subject,
            status: MailStatus::Waiting,
            tries: 0,
            due_at: now,
            created_at: now,
            last_error: None,
        }
    }

    /// Whether letters that are ordered now will be late.
    pub fn is_mail_delayed(&self) -> bool {
        !self.mailer.can_send() || self.mail_health.is_failing()
    }

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
        let (actor, target) = (actor.to_string(), target.to_string());
        let event = AuditEvent::new(self.now(), &*self.entropy, action, actor, target);
        AuditEvent { address: address.map(str::to_owned), ..event }
    }
}
