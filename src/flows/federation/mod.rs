//! Signing in by way of an upstream provider: to it (`begin`), back (`complete`), and which account an
//! identity opens (`settle`, `link`); and the tokens that came with it (`tokens`). The network stands between two transactions, never within one.

pub mod begin;
pub mod complete;
pub mod link;
mod settle;
pub mod tokens;

use std::sync::Arc;

use crate::crypto::seal::SealContext;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::entropy::Entropy;
use crate::domain::ids::{MailId, ProviderId, SessionId, TenantId};
use crate::domain::mail_order::{Letter, MailOrder, MailStatus};
use crate::domain::provider::ProviderKey;
use crate::domain::secret::Secret;
use crate::domain::session::Session;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{Device, StorageError, StoredProvider};
use crate::upstream::UpstreamError;

/// Who comes by, in which browser.
pub struct Visitor<'a> {
    /// What binds things to the browser.
    pub browser: &'a str,
    pub session: Option<&'a Session>,
    pub device: Device,
}

impl Visitor<'_> {
    fn session_id(&self) -> Option<SessionId> {
        self.session.map(|session| session.id)
    }
}

/// Why nobody was signed in, and nothing linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The state is unknown, spent or too old, or was given to another browser, provider or tenant.
    Expired,
    Cancelled,
    /// The provider's own `error`.
    ProviderError,
    Upstream(UpstreamError),
    Disabled,
    SignUpClosed(EmailAddress),
    DomainNotAllowed(Option<EmailAddress>),
    NoEmail,
    UnverifiedEmail(EmailAddress),
    /// The provider does not vouch for an address that has an account.
    UnverifiedMeetsAccount(EmailAddress),
    /// Of the account, which nobody has proved to be its owner's: it gets no further way in.
    AddressNotVerified(EmailAddress),
    /// The identity opens another account.
    IdentityTaken,
    /// Linking takes the user who asked for it, having signed in only just now.
    NotFresh,
    /// Somebody proved another account than the one that the offer is for.
    OtherAccount,
}

impl Refusal {
    /// For the audit log.
    fn word(&self) -> String {
        match self {
            Self::Expired => "expired_state".to_owned(),
            Self::Cancelled => "cancelled".to_owned(),
            Self::ProviderError => "provider_error".to_owned(),
            Self::Upstream(error) => error.word(),
            Self::Disabled => "disabled_user".to_owned(),
            Self::SignUpClosed(_) => "sign_up_closed".to_owned(),
            Self::DomainNotAllowed(_) => "domain_not_allowed".to_owned(),
            Self::NoEmail => "no_email".to_owned(),
            Self::UnverifiedEmail(_) => "unverified_email".to_owned(),
            Self::UnverifiedMeetsAccount(_) => "unverified_email_of_an_account".to_owned(),
            Self::AddressNotVerified(_) => "address_not_verified".to_owned(),
            Self::IdentityTaken => "identity_taken".to_owned(),
            Self::NotFresh => "not_fresh".to_owned(),
            Self::OtherAccount => "other_account".to_owned(),
        }
    }
}

/// What the provider must have registered to send users back to.
pub fn redirect_uri(issuer: &str, provider: &ProviderKey) -> String {
    format!("{issuer}/federation/{provider}/callback")
}

/// Makes audit events within a transaction.
#[derive(Clone)]
struct Recorder {
    now: Timestamp,
    entropy: Arc<dyn Entropy>,
    address: Option<String>,
}

impl Recorder {
    fn new(context: &Context, device: &Device) -> Self {
        Self {
            now: context.now(),
            entropy: Arc::clone(&context.entropy),
            address: device.address.clone(),
        }
    }

    fn event(&self, action: Action, actor: impl ToString, target: impl ToString) -> AuditEvent {
        let (actor, target) = (actor.to_string(), target.to_string());
        let event = AuditEvent::new(self.now, &*self.entropy, action, actor, target);
        AuditEvent { address: self.address.clone(), ..event }
    }

    fn letter(&self, tenant: TenantId, letter: Letter, email: &EmailAddress) -> MailOrder {
        MailOrder {
            id: MailId::generate(self.now, &*self.entropy),
            tenant_id: tenant,
            letter,
            email: email.clone(),
            subject: None,
            status: MailStatus::Waiting,
            tries: 0,
            due_at: self.now,
            created_at: self.now,
            last_error: None,
        }
    }

    fn refused(&self, provider: &ProviderKey, why: &Refusal) -> AuditEvent {
        let target = format!("{provider}: {}", why.word());
        self.event(Action::FederationFailed, "anonymous", target)
    }
}

async fn record_refusal(
    context: &Context,
    tenant: &TenantSnapshot,
    recorder: &Recorder,
    provider: &ProviderKey,
    why: &Refusal,
) -> Result<(), Failure> {
    if let Refusal::Upstream(error) = why {
        tracing::warn!(tenant = %tenant.tenant.slug, %provider, %error, "a federated sign-in failed");
    }
    let event = recorder.refused(provider, why);
    let recorded = context
        .db
        .write::<_, StorageError>(tenant.tenant.id, move |tx| tx.audit_events().append(&event));
    Ok(recorded.await?)
}

/// Where a provider's client secret is sealed.
pub(super) fn secret_seal(tenant: TenantId, id: &str) -> SealContext<'_> {
    SealContext { tenant, table: "providers", row: id }
}

/// Whether this deployment's master key is the one that the provider's secret was sealed under.
pub(in crate::flows) fn can_be_opened(
    context: &Context,
    tenant: TenantId,
    stored: &StoredProvider,
) -> bool {
    open_secret(context, tenant, stored).is_ok()
}

fn open_secret(
    context: &Context,
    tenant: TenantId,
    stored: &StoredProvider,
) -> Result<Secret, Failure> {
    let id: ProviderId = stored.provider.id;
    let opened = context.sealer.open(secret_seal(tenant, &id.to_string()), &stored.sealed_secret);
    let unreadable = || Failure::Internal(format!("the secret of provider {id} cannot be opened"));
    let bytes = opened.map_err(|_| unreadable())?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| unreadable())?;
    Ok(Secret::new(text))
}
