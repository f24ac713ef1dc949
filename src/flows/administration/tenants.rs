//! Making and finding tenants.

use super::keys::new_key;
use super::{OPERATOR, Problem};
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::TenantId;
use crate::domain::signing_key::{Algorithm, KeyLife};
use crate::domain::tenant::{
    Accent, AccountPolicy, DisplayName, Domain, EmailCode, EmailVerification,
    MAX_DELETION_GRACE_DAYS, SignUp, Slug, Tenant, TenantStatus,
};
use crate::flows::Context;
use crate::storage::StorageError;

pub struct NewTenant {
    pub slug: Slug,
    pub name: DisplayName,
    pub domain: Option<Domain>,
    pub sign_up: SignUp,
}

/// Makes a tenant with the keys that its first tokens are signed with.
pub async fn create(context: &Context, new: NewTenant) -> Result<Tenant, Problem> {
    let now = context.now();
    let tenant = Tenant {
        id: TenantId::generate(now, &*context.entropy),
        slug: new.slug,
        name: new.name,
        domain: new.domain,
        status: TenantStatus::Active,
        accounts: AccountPolicy { sign_up: new.sign_up, ..AccountPolicy::default() },
        accent: None,
        reply_to: None,
        created_at: now,
    };
    let life = KeyLife { activates_at: now, retires_at: None };
    let keys = Algorithm::ALL
        .into_iter()
        .map(|algorithm| new_key(context, tenant.id, algorithm, life))
        .collect::<Result<Vec<_>, _>>()?;
    let event = context.event(Action::TenantCreated, OPERATOR, tenant.id, None);
    let row = tenant.clone();
    let made = context
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

/// A page of tenants in the order of their slugs.
pub async fn page(
    context: &Context,
    after: Option<Slug>,
    limit: i64,
) -> Result<Vec<Tenant>, Problem> {
    let page = context
        .db
        .system_read::<_, StorageError>(move |tx| tx.tenants().page(after.as_ref(), limit));
    Ok(page.await?)
}

/// What admins may change of a tenant; `None` leaves it.
#[derive(Default)]
pub struct TenantChange {
    pub name: Option<DisplayName>,
    pub sign_up: Option<SignUp>,
    pub email_verification: Option<EmailVerification>,
    pub email_code: Option<EmailCode>,
    pub deletion_grace_days: Option<u16>,
    pub accent: Option<Accent>,
    pub reply_to: Option<EmailAddress>,
}

pub async fn change(
    context: &Context,
    slug: &Slug,
    change: TenantChange,
) -> Result<Tenant, Problem> {
    if change.deletion_grace_days.is_some_and(|days| days > MAX_DELETION_GRACE_DAYS) {
        return Err(Problem::input(format!(
            "an account waits {MAX_DELETION_GRACE_DAYS} days for its deletion at most"
        )));
    }
    let mut tenant = find(context, slug).await?;
    let accounts = &mut tenant.accounts;
    accounts.sign_up = change.sign_up.unwrap_or(accounts.sign_up);
    accounts.email_verification = change.email_verification.unwrap_or(accounts.email_verification);
    accounts.email_code = change.email_code.unwrap_or(accounts.email_code);
    accounts.deletion_grace_days =
        change.deletion_grace_days.unwrap_or(accounts.deletion_grace_days);
    tenant.name = change.name.unwrap_or(tenant.name);
    tenant.accent = change.accent.or(tenant.accent);
    tenant.reply_to = change.reply_to.or(tenant.reply_to);
    let event = context.event(Action::TenantChanged, OPERATOR, tenant.id, None);
    let row = tenant.clone();
    let changed = context.db.system_write::<_, StorageError>(move |tx| {
        tx.tenants().update(&row)?;
        tx.tenant(row.id).audit_events().append(&event)
    });
    changed.await?;
    Ok(tenant)
}
