//! Making, finding, changing, suspending and deleting tenants.

use std::time::Duration;

use serde_json::json;

use super::keys::new_key;
use super::{Administrator, Problem, Undone, description, hosts, members};
use crate::crypto::digest::sha256_base64url;
use crate::domain::application::Lifetimes;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::logo::{Logo, LogoVersion};
use crate::domain::member::MemberRole;
use crate::domain::password::MinLength;
use crate::domain::signing_key::{Algorithm, KeyLife};
use crate::domain::tenant::{
    Accent, AccountPolicy, CONSOLE_SLUG, DisplayName, Domain, EmailCode, EmailVerification,
    MAX_DELETION_GRACE_DAYS, SignUp, Slug, Tenant, TenantStatus,
};
use crate::flows::Context;
use crate::storage::{AuditFilter, StorageError, TenantTx};

pub struct NewTenant {
    pub slug: Slug,
    pub name: DisplayName,
    pub domain: Option<Domain>,
    pub accounts: AccountPolicy,
}

/// Makes a tenant with the keys that its first tokens are signed with.
pub async fn create(admin: &Administrator<'_>, new: NewTenant) -> Result<Tenant, Problem> {
    if let Some(domain) = &new.domain {
        hosts::unless_reserved(admin.public_url.host(), &new.slug, domain)?;
    }
    let now = admin.now();
    let tenant = Tenant {
        id: TenantId::generate(now, &*admin.entropy),
        slug: new.slug,
        name: new.name,
        domain: new.domain,
        status: TenantStatus::Active,
        accounts: new.accounts,
        lifetimes: Lifetimes::default(),
        accent: None,
        logo: None,
        reply_to: None,
        created_at: now,
        deletes_at: None,
    };
    let life = KeyLife { activates_at: now, retires_at: None };
    let keys = Algorithm::ALL
        .into_iter()
        .map(|algorithm| new_key(admin, tenant.id, algorithm, life))
        .collect::<Result<Vec<_>, _>>()?;
    let after = description::tenant(&tenant);
    let event = admin.record_change(Action::TenantCreated, tenant.id, &json!(null), &after);
    let row = tenant.clone();
    let made = admin
        .db
        .system_write::<_, StorageError>(move |tx| {
            tx.tenants().insert(&row)?;
            let mut scope = tx.tenant(row.id);
            for key in &keys {
                scope.signing_keys().insert(key)?;
            }
            scope.audit_events().append(&event)
        })
        .await;
    match made {
        Ok(()) => Ok(tenant),
        Err(StorageError::Conflict) => Err(Problem::input(format!(
            "there is a tenant `{}` already, or one with that domain; choose another slug or domain",
            tenant.slug
        ))),
        Err(error) => Err(error.into()),
    }
}

/// The same for an account of the console, which becomes the tenant's owner.
pub async fn create_owned(
    admin: &Administrator<'_>,
    new: NewTenant,
    owner: UserId,
) -> Result<Tenant, Problem> {
    let tenant = create(admin, new).await?;
    members::insert(admin, &tenant, owner, MemberRole::Owner).await?;
    Ok(tenant)
}

pub async fn find(context: &Context, slug: &Slug) -> Result<Tenant, Problem> {
    let wanted = slug.clone();
    let found = context
        .db
        .system_read::<_, StorageError>(move |tx| tx.tenants().find_by_slug(&wanted))
        .await?;
    found.ok_or_else(|| {
        Problem::input(format!(
            "there is no tenant `{slug}`; `doorward tenant list` shows those that are"
        ))
    })
}

/// A page of tenants in the order of their slugs, of those whose slug begins with `prefix`.
pub async fn page(
    context: &Context,
    prefix: String,
    after: Option<Slug>,
    limit: i64,
) -> Result<Vec<Tenant>, Problem> {
    let page = context.db.system_read::<_, StorageError>(move |tx| {
        tx.tenants().page(&prefix, after.as_ref(), limit)
    });
    Ok(page.await?)
}

/// Tenants whose name or host begins with `text`; those whose slug does so are in the pages.
pub async fn named(context: &Context, text: &str, limit: i64) -> Result<Vec<Tenant>, Problem> {
    let text = text.to_lowercase();
    let found =
        context.db.system_read::<_, StorageError>(move |tx| tx.tenants().named(&text, limit));
    Ok(found.await?)
}

/// What admins may change of a tenant; `None` leaves it.
#[derive(Default)]
pub struct TenantChange {
    pub name: Option<DisplayName>,
    pub sign_up: Option<SignUp>,
    pub email_verification: Option<EmailVerification>,
    pub email_code: Option<EmailCode>,
    pub password_min_length: Option<MinLength>,
    pub deletion_grace_days: Option<u16>,
    /// What new applications begin with; those that are there keep what they have.
    pub access_token_life: Option<Duration>,
    pub refresh_idle_life: Option<Duration>,
    pub refresh_absolute_life: Option<Duration>,
    /// `Some(None)` goes back to ours.
    pub accent: Option<Option<Accent>>,
    /// `Some(None)` takes it away.
    pub logo: Option<Option<Logo>>,
    /// `Some(None)`: nobody reads answers.
    pub reply_to: Option<Option<EmailAddress>>,
    /// `Some(None)` gives the host of its own up.
    pub domain: Option<Option<Domain>>,
}

pub async fn change(
    admin: &Administrator<'_>,
    slug: &Slug,
    change: TenantChange,
) -> Result<Tenant, Problem> {
    let tenant = find(admin, slug).await?;
    change_seen(admin, tenant.id, None, change).await
}

/// Changes what `seen`, a version, was shown of; with `None` whatever there is.
pub async fn change_seen(
    admin: &Administrator<'_>,
    id: TenantId,
    seen: Option<String>,
    change: TenantChange,
) -> Result<Tenant, Problem> {
    if change.deletion_grace_days.is_some_and(|days| days > MAX_DELETION_GRACE_DAYS) {
        return Err(Problem::input(format!(
            "an account waits {MAX_DELETION_GRACE_DAYS} days for its deletion at most"
        )));
    }
    let event = admin.record(Action::TenantChanged, id);
    let public_host = admin.public_url.host().to_owned();
    let changed = admin.db.system_write::<_, Undone>(move |tx| {
        tx.tenants().lock(id)?;
        let old = tx.tenants().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
        if old.slug.as_str() == CONSOLE_SLUG
            && change.email_verification == Some(EmailVerification::Optional)
        {
            let why =
                "an account of the console sees tenants by its address, so it must be verified";
            return Err(Undone::Problem(Problem::input(why)));
        }
        let before = description::tenant(&old);
        Problem::unless_current(&before, seen.as_deref()).map_err(Undone::Problem)?;
        if let Some(Some(domain)) = &change.domain {
            hosts::unless_reserved(&public_host, &old.slug, domain).map_err(Undone::Problem)?;
            // A host that is given without a proof settles what was claimed.
            tx.tenant(id).domain_claims().delete()?;
        }
        match &change.logo {
            Some(Some(logo)) => tx.tenant(id).logos().put(&logo.png)?,
            Some(None) => drop(tx.tenant(id).logos().remove()?),
            None => {}
        }
        let new = changed_to(old, change);
        let lifetimes = new.lifetimes.check();
        lifetimes.map_err(|why| Undone::Problem(Problem::input(why.to_string())))?;
        tx.tenants().update(&new)?;
        let event = event.with_change(&before, &description::tenant(&new));
        tx.tenant(id).audit_events().append(&event)?;
        Ok(new)
    });
    let tenant = match changed.await {
        Err(Undone::Storage(StorageError::Conflict)) => {
            return Err(Problem::input("another tenant has that domain already"));
        }
        other => other?,
    };
    admin.tenants.forget();
    Ok(tenant)
}

fn changed_to(mut tenant: Tenant, change: TenantChange) -> Tenant {
    let accounts = &mut tenant.accounts;
    accounts.sign_up = change.sign_up.unwrap_or(accounts.sign_up);
    accounts.email_verification = change.email_verification.unwrap_or(accounts.email_verification);
    accounts.email_code = change.email_code.unwrap_or(accounts.email_code);
    accounts.password_min_length =
        change.password_min_length.unwrap_or(accounts.password_min_length);
    accounts.deletion_grace_days =
        change.deletion_grace_days.unwrap_or(accounts.deletion_grace_days);
    let lifetimes = &mut tenant.lifetimes;
    lifetimes.access_token = change.access_token_life.unwrap_or(lifetimes.access_token);
    lifetimes.refresh_idle = change.refresh_idle_life.unwrap_or(lifetimes.refresh_idle);
    lifetimes.refresh_absolute = change.refresh_absolute_life.unwrap_or(lifetimes.refresh_absolute);
    tenant.name = change.name.unwrap_or(tenant.name);
    tenant.accent = change.accent.unwrap_or(tenant.accent);
    tenant.logo = match change.logo {
        Some(logo) => logo.map(|logo| LogoVersion::new(&logo, fingerprint(&logo))),
        None => tenant.logo,
    };
    tenant.reply_to = change.reply_to.unwrap_or(tenant.reply_to);
    tenant.domain = change.domain.unwrap_or(tenant.domain);
    tenant
}

fn fingerprint(logo: &Logo) -> String {
    sha256_base64url(&logo.png).chars().take(12).collect()
}

/// A suspended tenant answers as if it did not exist; what it has stays.
pub async fn set_status(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    status: TenantStatus,
) -> Result<(), Problem> {
    let id = tenant.id;
    if tenant.slug.as_str() == CONSOLE_SLUG {
        return Err(the_console_stays());
    }
    let action = match status {
        TenantStatus::Active => Action::TenantEnabled,
        TenantStatus::Disabled => Action::TenantDisabled,
    };
    let status_of = |status: TenantStatus| json!({ "status": status.as_str() });
    let event = admin.record_change(action, id, &status_of(tenant.status), &status_of(status));
    let set = admin.db.system_write::<_, StorageError>(move |tx| {
        tx.tenants().set_status(id, status)?;
        tx.tenant(id).audit_events().append(&event)
    });
    set.await?;
    admin.tenants.forget();
    Ok(())
}

/// How long a tenant waits for its deletion, closed: so long it can be had back.
pub const DELETION_GRACE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

fn the_console_stays() -> Problem {
    Problem::input("this is the tenant that people sign in to the console by; it stays")
}

/// By what right a deletion is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    Owner,
    Operator,
}

/// Who asked last for the deletion of the tenant.
pub(super) fn asked(tx: &mut TenantTx<'_>) -> Result<Option<AuditEvent>, StorageError> {
    let planned =
        AuditFilter { action: Some(Action::TenantDeletionPlanned), ..AuditFilter::default() };
    Ok(tx.audit_events().page(&planned, None, 1)?.pop())
}

/// Whether an operator has planned the deletion that the tenant waits for: then its owners cannot take it back.
pub async fn is_deleted_by_operator(context: &Context, tenant: &Tenant) -> Result<bool, Problem> {
    if tenant.deletes_at.is_none() {
        return Ok(false);
    }
    let asked = context.db.read::<_, StorageError>(tenant.id, asked).await?;
    Ok(asked.is_some_and(|event| Administrator::is_operators(&event)))
}

pub async fn plan_deletion(admin: &Administrator<'_>, tenant: &Tenant) -> Result<(), Problem> {
    let (id, at) = (tenant.id, admin.now() + DELETION_GRACE);
    if tenant.slug.as_str() == CONSOLE_SLUG {
        return Err(the_console_stays());
    }
    let (before, after) =
        (description::deletion(tenant.deletes_at), description::deletion(Some(at)));
    let event = admin.record_change(Action::TenantDeletionPlanned, id, &before, &after);
    let planned = admin.db.system_write::<_, Undone>(move |tx| {
        // Else whoever plans it again had planned it, and could take it back.
        if tx.tenants().find(id)?.is_none_or(|tenant| tenant.deletes_at.is_some()) {
            return Err(Undone::Problem(Problem::input("the tenant is to be deleted already")));
        }
        tx.tenants().plan_deletion(id, Some(at))?;
        Ok(tx.tenant(id).audit_events().append(&event)?)
    });
    planned.await?;
    admin.tenants.forget();
    Ok(())
}

/// Whether the tenant is open again, its suspension decides.
pub async fn cancel_deletion(
    admin: &Administrator<'_>,
    id: TenantId,
    by: Authority,
) -> Result<(), Problem> {
    let event = admin.record(Action::TenantDeletionCancelled, id);
    let cancelled = admin.db.system_write::<_, Undone>(move |tx| {
        let asked = asked(&mut tx.tenant(id))?;
        if by == Authority::Owner && asked.is_some_and(|event| Administrator::is_operators(&event))
        {
            let why =
                "an operator of the deployment planned the deletion, and an operator takes it back";
            return Err(Undone::Problem(Problem::input(why)));
        }
        let planned = tx.tenants().find(id)?.and_then(|tenant| tenant.deletes_at);
        tx.tenants().plan_deletion(id, None)?;
        let (before, after) = (description::deletion(planned), description::deletion(None));
        let event = event.with_change(&before, &after);
        Ok(tx.tenant(id).audit_events().append(&event)?)
    });
    cancelled.await?;
    admin.tenants.forget();
    Ok(())
}
