//! Making and finding tenants.

use super::keys::new_key;
use super::{OPERATOR, Problem};
use crate::domain::audit::Action;
use crate::domain::ids::TenantId;
use crate::domain::signing_key::{Algorithm, KeyLife};
use crate::domain::tenant::{DisplayName, Domain, SignUp, Slug, Tenant, TenantStatus};
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
        sign_up: new.sign_up,
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
