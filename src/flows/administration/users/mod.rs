//! The users of a tenant, as an admin sees them, makes them and acts on them.

mod acts;
mod making;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

pub use self::acts::{Act, act, assign_roles, disable, set_password};
pub use self::making::{NewAccount, NewUser, Unfit, Way, add, create};
use super::{Problem, description};
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::identity::Identity;
use crate::domain::ids::{ApplicationId, ProviderId, UserId};
use crate::domain::provider::Provider;
use crate::domain::refresh_family::RefreshFamily;
use crate::domain::role::{Role, RoleKey};
use crate::domain::session::BROWSER_IDLE_LIFE;
use crate::domain::tenant::{DisplayName, Tenant};
use crate::domain::user::{Profile, User};
use crate::flows::Context;
use crate::storage::{ListedSession, StorageError, TenantTx};

/// All that an admin sees of a user.
pub struct Detail {
    pub profile: Profile,
    pub has_password: bool,
    pub identities: Vec<Identity>,
    pub sessions: Vec<ListedSession>,
    pub families: Vec<RefreshFamily>,
}

pub async fn detail(context: &Context, tenant: &Tenant, id: UserId) -> Result<Detail, Problem> {
    let now = context.now();
    let found = context.db.read::<_, StorageError>(tenant.id, move |tx| detail_in(tx, id, now));
    found.await?.ok_or(Problem::Unknown)
}

fn detail_in(
    tx: &mut TenantTx<'_>,
    id: UserId,
    now: Timestamp,
) -> Result<Option<Detail>, StorageError> {
    let Some(profile) = tx.users().profile(id)? else { return Ok(None) };
    let families = tx.refresh_families().live_of_user(id, now)?;
    Ok(Some(Detail {
        profile,
        has_password: tx.users().password(id)?.is_some(),
        identities: tx.identities().list(id)?,
        sessions: tx.sessions().list(id, now - BROWSER_IDLE_LIFE, &families)?.sessions,
        families,
    }))
}

/// What the providers and applications are called that somebody's identities and refresh families are of.
#[derive(Default)]
pub struct Names {
    pub providers: HashMap<ProviderId, Provider>,
    pub applications: HashMap<ApplicationId, DisplayName>,
}

pub async fn names(
    context: &Context,
    tenant: &Tenant,
    identities: &[Identity],
    families: &[RefreshFamily],
) -> Result<Names, Problem> {
    let providers: HashSet<ProviderId> = identities.iter().map(|it| it.provider_id).collect();
    let applications: HashSet<ApplicationId> =
        families.iter().map(|it| it.grant.application_id).collect();
    let found = context.db.read::<_, StorageError>(tenant.id, move |tx| {
        let mut names = Names::default();
        if !providers.is_empty() {
            let of_tenant = tx.providers().list()?.into_iter().map(|stored| stored.provider);
            let named = of_tenant.filter(|provider| providers.contains(&provider.id));
            names.providers.extend(named.map(|provider| (provider.id, provider)));
        }
        for id in applications {
            if let Some(application) = tx.applications().find(id)? {
                names.applications.insert(id, application.name);
            }
        }
        Ok(names)
    });
    Ok(found.await?)
}

/// What the audit log says of the user; null if there is none.
pub(in crate::flows::administration) fn describe(
    tx: &mut TenantTx<'_>,
    id: UserId,
    now: Timestamp,
) -> Result<Value, StorageError> {
    let detail = detail_in(tx, id, now)?;
    Ok(detail.as_ref().map_or(Value::Null, description::user))
}

/// The newest `limit` users before `before`, the newest first.
pub async fn page(
    context: &Context,
    tenant: &Tenant,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, Problem> {
    let page =
        context.db.read::<_, StorageError>(tenant.id, move |tx| tx.users().page(before, limit));
    Ok(page.await?)
}

/// Users whose address, name or a word of it begins with `text`, or whose id it is.
pub async fn search(
    context: &Context,
    tenant: &Tenant,
    text: &str,
    limit: i64,
) -> Result<Vec<User>, Problem> {
    let (id, text) = (UserId::parse(text.trim()).ok(), text.trim().to_lowercase());
    let found = context.db.read::<_, StorageError>(tenant.id, move |tx| match id {
        Some(id) => Ok(tx.users().find(id)?.into_iter().collect()),
        None => tx.users().search(&text, limit),
    });
    Ok(found.await?)
}

/// The roles with these keys, in their order.
pub async fn roles_of(
    context: &Context,
    tenant: &Tenant,
    keys: Vec<RoleKey>,
) -> Result<Vec<Role>, Problem> {
    let found = context.db.read::<_, StorageError>(tenant.id, move |tx| {
        let mut found = Vec::new();
        for key in &keys {
            found.extend(tx.roles().find_by_key(key)?);
        }
        Ok(found)
    });
    Ok(found.await?)
}

pub async fn find(
    context: &Context,
    tenant: &Tenant,
    email: &EmailAddress,
) -> Result<User, Problem> {
    let wanted = email.clone();
    let found = context
        .db
        .read::<_, StorageError>(tenant.id, move |tx| tx.users().find_by_email(&wanted))
        .await?;
    let (user, _) = found
        .ok_or_else(|| Problem::input(format!("tenant `{}` has no user {email}", tenant.slug)))?;
    Ok(user)
}
