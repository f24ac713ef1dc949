//! What an admin may change of a user: name, roles, standing, sessions, and whether there is one.

use std::sync::Arc;

use super::{describe, detail};
use crate::crypto::password_strength;
use crate::domain::audit::Action;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{FamilyId, SessionId, UserId};
use crate::domain::mail_order::Letter;
use crate::domain::password::NewPassword;
use crate::domain::refresh_family::{RefreshFamily, RevocationReason};
use crate::domain::role::{self, RoleKey};
use crate::domain::tenant::{CONSOLE_SLUG, DisplayName, Tenant};
use crate::domain::user::{User, UserStatus};
use crate::flows::account::recovery;
use crate::flows::administration::{Administrator, Problem, Undone, description};
use crate::flows::{Failure, ties};
use crate::storage::{StorageError, TenantTx};

/// Gives the user these roles and no others. `seen` is the version of those that the admin saw.
pub async fn assign_roles(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: UserId,
    seen: String,
    wanted: Vec<RoleKey>,
) -> Result<(), Problem> {
    let wanted = role::of_a_user(wanted).map_err(|why| Problem::input(why.to_string()))?;
    let event = admin.record(Action::RolesAssigned, id);
    let assigned = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        if !tx.users().lock(id)? {
            return Err(Undone::Problem(Problem::Unknown));
        }
        let old = tx.users().roles(id)?;
        let before = description::roles(&old);
        Problem::unless_current(&before, Some(&seen)).map_err(Undone::Problem)?;
        for key in old.iter().filter(|key| !wanted.contains(key)) {
            if let Some(role) = tx.roles().find_by_key(key)? {
                tx.users().revoke_role(id, role.id)?;
            }
        }
        for key in wanted.iter().filter(|key| !old.contains(key)) {
            let Some(role) = tx.roles().find_by_key(key)? else {
                let why = format!("the role `{key}` is there no more; look at the user again");
                return Err(Undone::Problem(Problem::input(why)));
            };
            tx.users().grant_role(id, role.id)?;
        }
        let after = description::roles(&tx.users().roles(id)?);
        Ok(tx.audit_events().append(&event.with_change(&before, &after))?)
    });
    Ok(assigned.await?)
}

/// What an admin may do to an account, besides giving it roles. Nobody sets a password behind its owner's back.
#[derive(Clone, Debug)]
pub enum Act {
    /// `seen` is the version of the name that the admin saw.
    Rename {
        seen: Option<String>,
        name: Option<DisplayName>,
    },
    /// The admin vouches for the address.
    Verify,
    Disable,
    Enable,
    /// One, and the refresh families that came of it.
    EndSession(SessionId),
    /// The application gets no more tokens by it; the session goes on.
    EndFamily(FamilyId),
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
        Act::Rename { .. } => Action::ProfileChanged,
        Act::Verify => Action::EmailVerified,
        Act::Disable => Action::UserDisabled,
        Act::Enable => Action::UserEnabled,
        Act::EndSession(_) => Action::SessionEnded,
        Act::EndFamily(_) => Action::FamilyEnded,
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
            Act::Rename { seen, name } => {
                let named = tx.users().find(id)?.and_then(|user| user.name);
                Problem::unless_current(&description::name(named.as_ref()), seen.as_deref())
                    .map_err(Undone::Problem)?;
                tx.users().rename(id, name.as_ref())?;
            }
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
            Act::EndFamily(family) => {
                let family = end_family(tx, id, family, now)?;
                return Ok(tx.audit_events().append(&event.about_family(&family, "ended"))?);
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

fn end_family(
    tx: &mut TenantTx<'_>,
    user: UserId,
    id: FamilyId,
    now: Timestamp,
) -> Result<RefreshFamily, Undone> {
    let unknown = || Undone::Problem(Problem::Unknown);
    let family = tx.refresh_families().find(id)?.ok_or_else(unknown)?;
    let is_theirs = family.grant.user_id == user;
    if !is_theirs || !tx.refresh_families().revoke(id, RevocationReason::SignedOut, now)? {
        return Err(unknown());
    }
    Ok(family)
}

fn end_sessions(tx: &mut TenantTx<'_>, id: UserId, now: Timestamp) -> Result<(), StorageError> {
    tx.sessions().end_all(id, None, now)?;
    tx.refresh_families().revoke_of_user(id, None, RevocationReason::SignedOut, now)?;
    Ok(())
}

/// Sets the password and ends the user's sessions: whoever knew the old one is out.
pub async fn set_password(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    user: &User,
    password: NewPassword,
) -> Result<(), Problem> {
    let personal = [user.email.as_str(), user.email.local_part(), tenant.name.as_str()];
    password_strength::check(&password, tenant.accounts.password_min_length, &personal)
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
