//! Making, describing, ranking and deleting roles.

use serde_json::json;

use super::{Administrator, Problem, Undone, description};
use crate::domain::audit::Action;
use crate::domain::ids::{RoleId, UserId};
use crate::domain::role::{Role, RoleKey};
use crate::domain::tenant::Tenant;
use crate::domain::user::User;
use crate::flows::Context;
use crate::storage::{StorageError, TenantTx};

/// Makes a role that ranks after those that are there.
pub async fn create(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    key: RoleKey,
    description: String,
) -> Result<Role, Problem> {
    check(&description)?;
    let id = RoleId::generate(admin.now(), &*admin.entropy);
    let event = admin.record(Action::RoleCreated, id);
    let wanted = key.clone();
    let made = admin
        .db
        .write::<_, StorageError>(tenant.id, move |tx| {
            let rank = tx.roles().next_rank()?;
            let role = Role { id, key: wanted, description, rank };
            tx.roles().insert(&role)?;
            let event = event.with_change(&json!(null), &description::role(&role));
            tx.audit_events().append(&event)?;
            Ok(role)
        })
        .await;
    match made {
        Ok(role) => Ok(role),
        Err(StorageError::Conflict) => {
            Err(Problem::input(format!("there is a role `{key}` already")))
        }
        Err(error) => Err(error.into()),
    }
}

fn check(description: &str) -> Result<(), Problem> {
    if description.chars().count() > 500 || description.chars().any(char::is_control) {
        return Err(Problem::input("a description is at most 500 characters, without line breaks"));
    }
    Ok(())
}

pub async fn find(context: &Context, tenant: &Tenant, id: RoleId) -> Result<Role, Problem> {
    let role = context.db.read::<_, StorageError>(tenant.id, move |tx| tx.roles().find(id));
    role.await?.ok_or(Problem::Unknown)
}

/// The newest `limit` of those who have the role before `before`, the newest first.
pub async fn holders(
    context: &Context,
    tenant: &Tenant,
    id: RoleId,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, Problem> {
    let holders = context
        .db
        .read::<_, StorageError>(tenant.id, move |tx| tx.users().with_role(id, before, limit));
    Ok(holders.await?)
}

pub async fn describe(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: RoleId,
    seen: &str,
    text: String,
) -> Result<(), Problem> {
    check(&text)?;
    let (event, seen) = (admin.record(Action::RoleChanged, id), seen.to_owned());
    let changed = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        tx.roles().lock(id)?;
        let role = tx.roles().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
        let before = description::role(&role);
        Problem::unless_current(&before, Some(&seen)).map_err(Undone::Problem)?;
        let role = Role { description: text, ..role };
        tx.roles().update(&role)?;
        Ok(tx.audit_events().append(&event.with_change(&before, &description::role(&role)))?)
    });
    Ok(changed.await?)
}

/// Moves the role before or behind its neighbour: the first role by rank is the `role` of tokens.
pub async fn shift(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    id: RoleId,
    seen: Option<&str>,
    direction: Direction,
) -> Result<(), Problem> {
    let event = admin.record(Action::RoleChanged, id);
    let seen = seen.map(str::to_owned);
    let moved = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        tx.roles().lock(id)?;
        let role = tx.roles().find(id)?.ok_or(Undone::Problem(Problem::Unknown))?;
        let now = description::role(&role);
        Problem::unless_current(&now, seen.as_deref()).map_err(Undone::Problem)?;
        let other = match direction {
            Direction::Up => tx.roles().before(&role)?,
            Direction::Down => {
                tx.roles().page(Some((role.rank, role.key.clone())), 1)?.into_iter().next()
            }
        };
        let Some(other) = other else { return Ok(()) };
        let before = json!({ "rank": role.rank });
        let rank = if other.rank == role.rank {
            tell_apart(tx, &role, direction)?
        } else {
            tx.roles().update(&Role { rank: role.rank, ..other.clone() })?;
            tx.roles().update(&Role { rank: other.rank, ..role })?;
            other.rank
        };
        let event = event.with_change(&before, &json!({ "rank": rank }));
        Ok(tx.audit_events().append(&event)?)
    });
    Ok(moved.await?)
}

/// Two roles that were made at the same moment may have one rank: each gets its own, with `role` moved.
fn tell_apart(
    tx: &mut TenantTx<'_>,
    role: &Role,
    direction: Direction,
) -> Result<i32, StorageError> {
    let mut roles = tx.roles().list()?;
    let Some(at) = roles.iter().position(|other| other.id == role.id) else {
        return Ok(role.rank);
    };
    let other = match direction {
        Direction::Up => at.saturating_sub(1),
        Direction::Down => (at + 1).min(roles.len() - 1),
    };
    roles.swap(at, other);
    let mut now = role.rank;
    for (rank, each) in (1..).zip(&roles) {
        tx.roles().update(&Role { rank, ..each.clone() })?;
        if each.id == role.id {
            now = rank;
        }
    }
    Ok(now)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// Whoever has the role loses it with their next refresh.
pub async fn delete(admin: &Administrator<'_>, tenant: &Tenant, id: RoleId) -> Result<(), Problem> {
    let role = find(admin, tenant, id).await?;
    let event =
        admin.record_change(Action::RoleDeleted, id, &description::role(&role), &json!(null));
    let deleted = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.roles().delete(id)?;
        tx.audit_events().append(&event)
    });
    Ok(deleted.await?)
}

/// A page of the roles by rank, after the one of that rank and key.
pub async fn page(
    context: &Context,
    tenant: &Tenant,
    after: Option<(i32, RoleKey)>,
    limit: i64,
) -> Result<Vec<Role>, Problem> {
    let page =
        context.db.read::<_, StorageError>(tenant.id, move |tx| tx.roles().page(after, limit));
    Ok(page.await?)
}

/// Roles whose key begins with `text`; case counts, as it does for whoever compares them.
pub async fn search(
    context: &Context,
    tenant: &Tenant,
    text: &str,
    limit: i64,
) -> Result<Vec<Role>, Problem> {
    let text = text.to_owned();
    let found =
        context.db.read::<_, StorageError>(tenant.id, move |tx| tx.roles().search(&text, limit));
    Ok(found.await?)
}

pub async fn list(context: &Context, tenant: &Tenant) -> Result<Vec<Role>, Problem> {
    let roles = context.db.read::<_, StorageError>(tenant.id, |tx| tx.roles().list());
    Ok(roles.await?)
}
