//! What wants somebody's attention in a tenant. Each is found by an index, whatever the tenant's size.

use crate::domain::activity::{Day, Kind};
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::tenant::Domain;
use crate::storage::{AuditFilter, StorageError, TenantTx};

/// Events are told of this long.
const MEMORY_DAYS: i32 = 7;
/// Failed sign-ins of a day that are nothing to speak of.
const USUAL_FAILURES: i64 = 50;
/// Dead letters are counted so far.
pub const MOST_LETTERS: usize = 100;
/// Failed federated sign-ins that are looked at: most are somebody's change of mind.
const LOOKED_AT: i64 = 20;

pub enum Attention {
    /// A refresh token or a code came twice: it was stolen, or a client keeps old ones.
    Replayed { at: Timestamp, action: Action },
    /// More sign-ins fail today than succeed.
    Failures { failed: i64, succeeded: i64 },
    /// Letters wait, for the deployment has no mail server or does not reach it.
    MailWaits,
    /// [`MOST_LETTERS`] or fewer could not be sent.
    DeadLetters(usize),
    /// A provider could not be used.
    ProviderFails { provider: String, why: String, at: Timestamp },
    /// A host is claimed and not proved.
    HostUnproved(Domain),
}

/// The gravest first.
pub fn of_tenant(
    tx: &mut TenantTx<'_>,
    now: Timestamp,
    is_mail_delayed: bool,
) -> Result<Vec<Attention>, StorageError> {
    let mut wanted = Vec::new();
    for action in [Action::RefreshReuseDetected, Action::CodeReplayed] {
        if let Some(event) = lately(tx, now, action, 1)?.first() {
            wanted.push(Attention::Replayed { at: event.at, action });
        }
    }
    let today = Day::of(now);
    let mut count = |kind| -> Result<i64, StorageError> {
        Ok(tx.activity().since(kind, today)?.iter().map(|(_, count)| count).sum())
    };
    let (failed, succeeded) = (count(Kind::SignInFailure)?, count(Kind::SignIn)?);
    if failed > USUAL_FAILURES.max(succeeded) {
        wanted.push(Attention::Failures { failed, succeeded });
    }
    if is_mail_delayed {
        wanted.push(Attention::MailWaits);
    }
    let dead = tx.mail_orders().dead(None, MOST_LETTERS as i64)?.len();
    if dead > 0 {
        wanted.push(Attention::DeadLetters(dead));
    }
    let failures = lately(tx, now, Action::FederationFailed, LOOKED_AT)?;
    if let Some(failure) = failures.iter().find_map(provider_failure) {
        wanted.push(failure);
    }
    if let Some(claim) = tx.domain_claims().find(now)? {
        wanted.push(Attention::HostUnproved(claim.domain));
    }
    Ok(wanted)
}

fn lately(
    tx: &mut TenantTx<'_>,
    now: Timestamp,
    action: Action,
    limit: i64,
) -> Result<Vec<AuditEvent>, StorageError> {
    let from = Some(Day::of(now).minus(MEMORY_DAYS).start());
    let filter = AuditFilter { action: Some(action), from, ..AuditFilter::default() };
    tx.audit_events().page(&filter, None, limit)
}

/// If it was the provider's or the set-up's fault rather than the visitor's.
fn provider_failure(event: &AuditEvent) -> Option<Attention> {
    const FAULTS: [&str; 5] =
        ["unreachable", "forbidden_target", "rate_limited", "code_refused", "nonsense"];
    let (provider, why) = event.target.split_once(": ")?;
    (FAULTS.contains(&why) || why.starts_with("wrong_")).then(|| Attention::ProviderFails {
        provider: provider.to_owned(),
        why: why.to_owned(),
        at: event.at,
    })
}
