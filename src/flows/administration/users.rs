//! Making users and changing what they may do.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Administrator, Problem, Undone, description};
use crate::crypto::password_strength;
use crate::domain::audit::Action;
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::identity::Identity;
use crate::domain::ids::{RoleId, SessionId, UserId};
use crate::domain::mail_order::Letter;
use crate::domain::password::NewPassword;
use crate::domain::refresh_family::{RefreshFamily, RevocationReason};
use crate::domain::role::{Role, RoleKey};
use crate::domain::session::BROWSER_IDLE_LIFE;
use crate::domain::tenant::{CONSOLE_SLUG, DisplayName, Tenant};
use crate::domain::user::{Profile, User, UserStatus};
use crate::flows::account::recovery;
use crate::flows::{Context, Failure, ties};
use crate::storage::{ListedSession, StorageError, TenantTx};

pub struct NewUser {
    pub email: EmailAddress,
    pub email_verified: bool,
    pub name: Option<DisplayName>,
    pub roles: Vec<RoleKey>,
    pub password: NewPassword,
}

pub async fn create(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    new: NewUser,
) -> Result<User, Problem> {
    let mut personal = vec![new.email.as_str(), new.email.local_part(), tenant.name.as_str()];
    personal.extend(new.name.as_ref().map(DisplayName::as_str));
    password_strength::check(&new.password, &personal)
        .map_err(|why| Problem::input(why.to_string()))?;
    let hash = admin.hasher.hash(tenant.id, new.password).await.map_err(Failure::from)?;
    let now = admin.now();
    let user = User {
        id: UserId::generate(now, &*admin.entropy),
        email: new.email,
        email_verified: new.email_verified,
        name: new.name,
        picture: None,
        status: UserStatus::Active,
        created_at: now,
        deletes_at: None,
    };
    let event = admin.record(Action::UserCreated, user.id);
    let (row, mut roles, slug) = (user.clone(), new.roles, tenant.slug.clone());
    roles.sort();
    roles.dedup();
    let made = admin
        .db
        .write::<_, Undone>(tenant.id, move |tx| {
            tx.users().insert(&row, Some(&hash))?;
            for key in roles {
                let Some(role) = tx.roles().find_by_key(&key)? else {
                    return Err(Undone::Problem(Problem::input(format!(
                        "there is no role `{key}`; make it first: doorward role create --tenant {slug} --key {key}"
                    ))));
                };
                tx.users().grant_role(row.id, role.id)?;
            }
            let after = describe(tx, row.id, now)?;
            Ok(tx.audit_events().append(&event.with_change(&json!(null), &after))?)
        })
        .await;
    match made {
        Ok(()) => Ok(user),
        Err(Undone::Storage(StorageError::Conflict)) => {
            Err(Problem::input(format!("there is a user {} already", user.email)))
        }
        Err(undone) => Err(undone.into()),
    }
}

/// Makes an account without a password, whose owner is mailed a link to choose one.
pub async fn invite(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    email: EmailAddress,
    name: Option<DisplayName>,
    roles: Vec<RoleId>,
) -> Result<User, Problem> {
    let now = admin.now();
    let user = User {
        id: UserId::generate(now, &*admin.entropy),
        email,
        email_verified: false,
        name,
        picture: None,
        status: UserStatus::Active,
        created_at: now,
        deletes_at: None,
    };
    let event = admin.record(Action::UserInvited, user.id);
    let letter = admin.letter(tenant.id, Letter::Invitation, &user.email, None);
    let row = user.clone();
    let made = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        tx.users().insert(&row, None)?;
        for role in roles {
            let role = tx.roles().find(role)?.ok_or(Undone::Problem(Problem::Unknown))?;
            tx.users().grant_role(row.id, role.id)?;
        }
        tx.mail_orders().insert(&letter)?;
        let after = describe(tx, row.id, now)?;
        Ok(tx.audit_events().append(&event.with_change(&json!(null), &after))?)
    });
    match made.await {
        Ok(()) => {
            admin.mail_bell.notify_one();
            Ok(user)
        }
        Err(Undone::Storage(StorageError::Conflict)) => {
            Err(Problem::input(format!("there is a user {} already", user.email)))
        }
        Err(undone) => Err(undone.into()),
    }
}

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

/// What the audit log says of the user; null if there is none.
pub(super) fn describe(
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

/// Gives the user these roles and no others. `seen` are those that the admin saw.
pub async fn assign_roles(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: UserId,
    seen: Vec<RoleKey>,
    wanted: Vec<RoleId>,
) -> Result<(), Problem> {
    let wanted: BTreeSet<RoleId> = wanted.into_iter().collect();
    let event = admin.record(Action::RolesAssigned, id);
    let assigned = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        if !tx.users().lock(id)? {
            return Err(Undone::Problem(Problem::Unknown));
        }
        let old = tx.users().roles(id)?;
        let before = json!(old.iter().map(RoleKey::as_str).collect::<Vec<_>>());
        if old != seen {
            return Err(Undone::Problem(Problem::Stale(before)));
        }
        for role in &wanted {
            if tx.roles().find(*role)?.is_none() {
                let why = "a role that was chosen is there no more; look at the user again";
                return Err(Undone::Problem(Problem::input(why)));
            }
        }
        for key in &old {
            if let Some(role) = tx.roles().find_by_key(key)?
                && !wanted.contains(&role.id)
            {
                tx.users().revoke_role(id, role.id)?;
            }
        }
        for role in wanted {
            if let Some(role) = tx.roles().find(role)?
                && !old.contains(&role.key)
            {
                tx.users().grant_role(id, role.id)?;
            }
        }
        let after = json!(tx.users().roles(id)?.iter().map(RoleKey::as_str).collect::<Vec<_>>());
        Ok(tx.audit_events().append(&event.with_change(&before, &after))?)
    });
    Ok(assigned.await?)
}

/// What an admin may do to an account, besides giving it roles. Nobody sets a password behind its owner's back.
#[derive(Clone, Debug)]
pub enum Act {
    Rename(Option<DisplayName>),
    /// The admin vouches for the address.
    Verify,
    Disable,
    Enable,
    /// One, and the refresh families that came of it.
    EndSession(SessionId),
    EndSessions,
    /// The password works no more, and its owner is mailed a link to choose another.
    RequireReset,
    Delete,
}

pub async fn act(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: UserId,
    act: Act,
) -> Result<(), Problem> {
    let now = admin.now();
    let action = match &act {
        Act::Rename(_) => Action::ProfileChanged,
        Act::Verify => Action::EmailVerified,
        Act::Disable => Action::UserDisabled,
        Act::Enable => Action::UserEnabled,
        Act::EndSession(_) => Action::SessionEnded,
        Act::EndSessions => Action::SessionsEnded,
        Act::RequireReset => Action::ResetRequired,
        Act::Delete => Action::UserDeleted,
    };
    let user = detail(admin, tenant, id).await?.profile.user;
    let reset = admin.letter(tenant.id, Letter::ResetPassword, &user.email, None);
    let event = admin.record(action, id);
    let (tenant_id, is_console) = (tenant.id, tenant.slug.as_str() == CONSOLE_SLUG);
    let removed = admin.record(Action::MemberRemoved, id);
    let entropy = Arc::clone(&admin.entropy);
    let done = admin.db.system_write::<_, Undone>(move |system| {
        if is_console && matches!(act, Act::Delete) {
            let ties = ties::hold(system, tenant_id, id)?;
            if ties.bind() {
                return Err(Undone::Problem(Problem::input(ties.to_string())));
            }
            ties::leave(system, id, &user.email, &removed, &*entropy)?;
        }
        let tx = &mut system.tenant(tenant_id);
        if !tx.users().lock(id)? {
            return Err(Undone::Problem(Problem::Unknown));
        }
        let before = describe(tx, id, now)?;
        match act {
            Act::Rename(name) => drop(tx.users().rename(id, name.as_ref())?),
            Act::Verify => drop(tx.users().verify_email(id, &user.email)?),
            Act::Disable => {
                tx.users().set_status(id, UserStatus::Disabled)?;
                tx.sessions().end_all(id, None, now)?;
            }
            Act::Enable => drop(tx.users().set_status(id, UserStatus::Active)?),
            Act::EndSession(session) => {
                if !tx.sessions().end_of(id, session, now)? {
                    return Err(Undone::Problem(Problem::Unknown));
                }
            }
            Act::EndSessions => end_sessions(tx, id, now)?,
            Act::RequireReset => {
                tx.users().drop_password(id)?;
                end_sessions(tx, id, now)?;
                recovery::void_links(tx, id)?;
                tx.mail_orders().insert(&reset)?;
            }
            Act::Delete => drop(tx.users().delete(id)?),
        }
        let event = event.with_change(&before, &describe(tx, id, now)?);
        Ok(tx.audit_events().append(&event)?)
    });
    done.await?;
    admin.mail_bell.notify_one();
    Ok(())
}

fn end_sessions(tx: &mut TenantTx<'_>, id: UserId, now: Timestamp) -> Result<(), StorageError> {
    tx.sessions().end_all(id, None, now)?;
    tx.refresh_families().revoke_of_user(id, None, RevocationReason::SignedOut, now)?;
    Ok(())
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

/// Sets the password and ends the user's sessions: whoever knew the old one is out.
pub async fn set_password(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    user: &User,
    password: NewPassword,
) -> Result<(), Problem> {
    let personal = [user.email.as_str(), user.email.local_part(), tenant.name.as_str()];
    password_strength::check(&password, &personal)
        .map_err(|why| Problem::input(why.to_string()))?;
    let hash = admin.hasher.hash(tenant.id, password).await.map_err(Failure::from)?;
    let now = admin.now();
    let event = admin.record(Action::PasswordSet, user.id);
    let id = user.id;
    let set = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.users().set_password(id, &hash)?;
        tx.sessions().end_all(id, None, now)?;
        recovery::void_links(tx, id)?;
        tx.audit_events().append(&event)
    });
    Ok(set.await?)
}

/// A disabled user cannot sign in, and their sessions end.
pub async fn disable(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    user: &User,
) -> Result<(), Problem> {
    act(admin, tenant, user.id, Act::Disable).await
}
