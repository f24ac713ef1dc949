//! A host of a tenant's own, proved by DNS: claim it, verify the claim, withdraw it, and give the host up. Operators
//! give one without a proof (`tenants`).

use std::time::Duration;

use super::{Administrator, Problem, Undone, description};
use crate::domain::allowance::Allowance;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::domain_claim::DomainClaim;
use crate::domain::ids::TenantId;
use crate::domain::tenant::{CONSOLE_SLUG, Domain, Slug, Tenant};
use crate::flows::{Context, Failure};
use crate::storage::{Spent, StorageError, SystemTx};

/// How often a tenant has us ask DNS.
const VERIFICATIONS: Allowance = Allowance { burst: 10, every: Duration::from_secs(60) };
const VERIFICATIONS_KEY: &str = "host-verification";

/// What came of a verification. Only the first changes anything.
#[derive(Debug, PartialEq, Eq)]
pub enum Verification {
    /// The host is the tenant's, and its issuer with it.
    Verified,
    /// It was verified before or withdrawn, or has expired.
    NoClaim,
    /// DNS knows of no TXT record at the claim's name.
    NotFound,
    /// There are records, and none is the claim's: what they say.
    OtherValue(Vec<String>),
    Unreachable,
    /// Another tenant was faster.
    Taken,
    /// Too many: wait so many seconds.
    TooOften {
        retry_after: u64,
    },
}

impl Verification {
    /// A word for the audit log, if DNS was asked in vain.
    const fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Verified | Self::NoClaim | Self::TooOften { .. } => None,
            Self::NotFound => Some("not_found"),
            Self::OtherValue(_) => Some("other_value"),
            Self::Unreachable => Some("unreachable"),
            Self::Taken => Some("taken"),
        }
    }
}

/// The claim that waits for its proof.
pub async fn pending(context: &Context, tenant: TenantId) -> Result<Option<DomainClaim>, Problem> {
    let now = context.now();
    let found = context.db.read::<_, StorageError>(tenant, move |tx| tx.domain_claims().find(now));
    Ok(found.await?)
}

/// Claims a host, in the place of what was claimed before; the same host once more keeps its challenge. `seen` is
/// the version that it was decided on, of host and claim; `None` is whatever there is.
pub async fn claim(
    admin: &Administrator<'_>,
    id: TenantId,
    seen: Option<String>,
    domain: Domain,
) -> Result<DomainClaim, Problem> {
    let (now, public_host) = (admin.now(), admin.public_url.host().to_owned());
    let event = admin.record(Action::HostClaimed, &domain);
    let new = DomainClaim::new(domain, now, &*admin.entropy)
        .map_err(|why| Problem::input(why.to_string()))?;
    let claimed = admin.db.system_write::<_, Undone>(move |tx| {
        let (tenant, old) = locked(tx, id, now, seen.as_deref())?;
        unless_reserved(&public_host, &tenant.slug, &new.domain).map_err(Undone::Problem)?;
        unless_given(tx, id, &new.domain)?;
        let before = description::host(&tenant, old.as_ref());
        let claim = match old {
            Some(old) if old.domain == new.domain => old.renewed(now),
            Some(_) | None => new,
        };
        tx.tenant(id).domain_claims().put(&claim)?;
        let event = event.with_change(&before, &description::host(&tenant, Some(&claim)));
        tx.tenant(id).audit_events().append(&event)?;
        Ok(claim)
    });
    Ok(claimed.await?)
}

/// Asks DNS for the record of the claim, between two transactions, and gives the tenant its host if it is there.
pub async fn verify(
    admin: &Administrator<'_>,
    id: TenantId,
    seen: Option<String>,
) -> Result<Verification, Problem> {
    let now = admin.now();
    let read = admin.db.system_read::<_, Undone>(move |tx| {
        let tenant = tx.tenants().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
        Ok((tenant, tx.tenant(id).domain_claims().find(now)?))
    });
    let (tenant, claim) = read.await?;
    let Some(claim) = claim else { return Ok(Verification::NoClaim) };
    Problem::unless_current(&description::host(&tenant, Some(&claim)), seen.as_deref())?;
    if let Spent::Refused(wait) = spend(admin, id).await? {
        return Ok(Verification::TooOften { retry_after: wait.as_secs() + 1 });
    }
    let outcome = match admin.dns.find(&claim.record_name()).await {
        Ok(records) if claim.is_proved_by(&records) => settle(admin, id, claim.clone()).await?,
        Ok(records) if records.is_empty() => Verification::NotFound,
        Ok(records) => Verification::OtherValue(records),
        Err(error) => {
            tracing::warn!(tenant = %tenant.slug, host = %claim.domain, %error, "a host was not verified");
            Verification::Unreachable
        }
    };
    if let Some(word) = outcome.refusal() {
        let target = format!("{}: {word}", claim.domain);
        let event = admin.record(Action::HostVerificationFailed, target);
        let told =
            admin.db.write::<_, StorageError>(id, move |tx| tx.audit_events().append(&event));
        told.await?;
    }
    Ok(outcome)
}

pub async fn withdraw(
    admin: &Administrator<'_>,
    id: TenantId,
    seen: Option<String>,
) -> Result<(), Problem> {
    let (now, event) = (admin.now(), admin.record(Action::HostClaimWithdrawn, id));
    let withdrawn = admin.db.system_write::<_, Undone>(move |tx| {
        let (tenant, claim) = locked(tx, id, now, seen.as_deref())?;
        let nothing = || Undone::Problem(Problem::input("no host is claimed (any more)"));
        let claim = claim.ok_or_else(nothing)?;
        let before = description::host(&tenant, Some(&claim));
        let event = of(event, &claim.domain);
        let event = event.with_change(&before, &description::host(&tenant, None));
        tx.tenant(id).domain_claims().delete()?;
        Ok(tx.tenant(id).audit_events().append(&event)?)
    });
    Ok(withdrawn.await?)
}

/// The tenant is at its path again.
pub async fn give_up(
    admin: &Administrator<'_>,
    id: TenantId,
    seen: Option<String>,
) -> Result<(), Problem> {
    let (now, event) = (admin.now(), admin.record(Action::HostGivenUp, id));
    let given_up = admin.db.system_write::<_, Undone>(move |tx| {
        let (tenant, _) = locked(tx, id, now, seen.as_deref())?;
        let nothing = || Undone::Problem(Problem::input("the tenant has no host of its own"));
        let event = of(event, tenant.domain.as_ref().ok_or_else(nothing)?);
        Ok(give(tx, &tenant, None, event)?)
    });
    given_up.await?;
    admin.tenants.forget();
    Ok(())
}

/// Refuses the deployment's own host, and any for the console: its host is the deployment's.
pub(super) fn unless_reserved(
    public_host: &str,
    slug: &Slug,
    domain: &Domain,
) -> Result<(), Problem> {
    if slug.as_str() == CONSOLE_SLUG {
        return Err(Problem::input("the console stays at the deployment's own host"));
    }
    if domain.as_str() == public_host {
        return Err(Problem::input(format!(
            "{domain} is the deployment's own host, for all tenants; choose another"
        )));
    }
    Ok(())
}

/// Refuses a host that some tenant has already.
fn unless_given(tx: &mut SystemTx<'_>, id: TenantId, domain: &Domain) -> Result<(), Undone> {
    let why = match tx.tenants().find_by_domain(domain)? {
        None => return Ok(()),
        Some(tenant) if tenant.id == id => format!("{domain} is this tenant's host already"),
        Some(_) => format!(
            "another tenant of this deployment has {domain} already; if it is yours, ask whoever runs the deployment"
        ),
    };
    Err(Undone::Problem(Problem::Input(why)))
}

/// The tenant and its claim, which nobody else changes until the transaction ends.
fn locked(
    tx: &mut SystemTx<'_>,
    id: TenantId,
    now: Timestamp,
    seen: Option<&str>,
) -> Result<(Tenant, Option<DomainClaim>), Undone> {
    tx.tenants().lock(id)?;
    let tenant = tx.tenants().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
    let claim = tx.tenant(id).domain_claims().find(now)?;
    let current = description::host(&tenant, claim.as_ref());
    Problem::unless_current(&current, seen).map_err(Undone::Problem)?;
    Ok((tenant, claim))
}

async fn spend(admin: &Administrator<'_>, id: TenantId) -> Result<Spent, Failure> {
    let now = admin.now();
    let spent = admin
        .db
        .write_again(id, move |tx| tx.allowances().spend(VERIFICATIONS_KEY, VERIFICATIONS, now));
    Ok(spent.await?)
}

/// The record was there. Of any number at once one spends the claim.
async fn settle(
    admin: &Administrator<'_>,
    id: TenantId,
    claim: DomainClaim,
) -> Result<Verification, Problem> {
    let (now, event) = (admin.now(), admin.record(Action::HostVerified, &claim.domain));
    let settled = admin.db.system_write::<_, Undone>(move |tx| {
        let (tenant, _) = locked(tx, id, now, None)?;
        if tx.tenant(id).domain_claims().spend(&claim.challenge, now)? {
            give(tx, &tenant, Some(claim.domain), event)?;
            return Ok(Verification::Verified);
        }
        match tenant.domain == Some(claim.domain) {
            true => Ok(Verification::Verified),
            false => Ok(Verification::NoClaim),
        }
    });
    match settled.await {
        Err(Undone::Storage(StorageError::Conflict)) => Ok(Verification::Taken),
        settled => {
            admin.tenants.forget();
            Ok(settled?)
        }
    }
}

/// `Conflict` if the host is another tenant's.
fn give(
    tx: &mut SystemTx<'_>,
    old: &Tenant,
    domain: Option<Domain>,
    event: AuditEvent,
) -> Result<(), StorageError> {
    let new = Tenant { domain, ..old.clone() };
    tx.tenants().update(&new)?;
    let event = event.with_change(&description::tenant(old), &description::tenant(&new));
    tx.tenant(old.id).audit_events().append(&event)
}

fn of(event: AuditEvent, domain: &Domain) -> AuditEvent {
    AuditEvent { target: domain.to_string(), ..event }
}
