//! What was planned and whose time has come: the deletion of accounts and of tenants.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Problem, description, operators, tenants, users};
use crate::domain::audit::{Action, AuditEvent, HOUSEKEEPING};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::tenant::{CONSOLE_SLUG, Slug, Tenant};
use crate::flows::{Context, Failure, ties};
use crate::storage::{StorageError, SystemTx};

/// Deletes accounts, `limit` at most, and says how many.
pub async fn delete_users(context: &Context, limit: i64) -> Result<usize, Problem> {
    let now = context.now();
    let due = context.db.system_read::<_, StorageError>(move |tx| tx.users_due(now, limit)).await?;
    let slug = Slug::parse(CONSOLE_SLUG).map_err(|error| Failure::Internal(error.to_string()))?;
    let console = context
        .db
        .system_read::<_, StorageError>(move |tx| tx.tenants().find_by_slug(&slug))
        .await?
        .map(|tenant| tenant.id);
    let mut deleted = 0;
    for (tenant, user) in due {
        if delete_user(context, tenant, user, console == Some(tenant)).await? {
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// An account of the console that nobody can do without stays: what was planned is taken back.
async fn delete_user(
    context: &Context,
    tenant: TenantId,
    id: UserId,
    is_console: bool,
) -> Result<bool, Problem> {
    let (now, entropy) = (context.now(), Arc::clone(&context.entropy));
    let event = |action| context.event(action, HOUSEKEEPING, id, None);
    let (deleted, kept, removed) = (
        event(Action::UserDeleted),
        event(Action::DeletionCancelled),
        event(Action::MemberRemoved),
    );
    let done = context.db.system_write::<_, StorageError>(move |system| {
        let user = system.tenant(tenant).users().find(id)?;
        let Some(user) = user.filter(|user| user.deletes_at.is_some_and(|at| at <= now)) else {
            return Ok(false);
        };
        if is_console {
            let ties = ties::hold(system, tenant, id)?;
            if ties.bind() {
                let after = json!({ "deletes_at": null, "because": ties.to_string() });
                let tx = &mut system.tenant(tenant);
                tx.users().keep(id)?;
                let before = description::deletion(user.deletes_at);
                tx.audit_events().append(&kept.with_change(&before, &after))?;
                return Ok(false);
            }
            ties::leave(system, id, &user.email, &removed, &*entropy)?;
        }
        let tx = &mut system.tenant(tenant);
        // Locked, and looked at again: the owner may take it back at this very moment.
        tx.users().lock(id)?;
        let user = tx.users().find(id)?;
        let is_due = user.is_some_and(|user| user.deletes_at.is_some_and(|at| at <= now));
        if !is_due {
            return Err(StorageError::Conflict);
        }
        let before = users::describe(tx, id, now)?;
        tx.users().delete(id)?;
        tx.audit_events().append(&deleted.with_change(&before, &Value::Null))?;
        Ok(true)
    });
    match done.await {
        Err(StorageError::Conflict) => Ok(false),
        other => Ok(other?),
    }
}

/// Deletes tenants, `limit` at most, and says how many. The built-in tenant keeps a trace of each, for operators:
/// the tenant's own audit log goes with it.
pub async fn delete_tenants(context: &Context, limit: i64) -> Result<usize, Problem> {
    let now = context.now();
    let due =
        context.db.system_read::<_, StorageError>(move |tx| tx.tenants().due(now, limit)).await?;
    let mut deleted = 0;
    for tenant in due {
        let console = operators::console_tenant(context).await?.id;
        let event = context.event(Action::TenantDeleted, HOUSEKEEPING, tenant.id, None);
        let done = context.db.system_write::<_, StorageError>(move |tx| {
            let event = event.with_change(&trace(tx, console, &tenant)?, &Value::Null);
            let is_due = tx.tenants().delete_due(tenant.id, now)?;
            if is_due {
                tx.tenant(console).audit_events().append(&event)?;
            }
            Ok(is_due)
        });
        deleted += usize::from(done.await?);
    }
    Ok(deleted)
}

/// What the tenant was, and who asked for its deletion.
fn trace(tx: &mut SystemTx<'_>, console: TenantId, tenant: &Tenant) -> Result<Value, StorageError> {
    let planned = tenants::asked(&mut tx.tenant(tenant.id))?;
    let asker = planned.as_ref().map(|event| event.actor.rsplit(':').next().unwrap_or_default());
    let email = match asker.and_then(|id| UserId::parse(id).ok()) {
        Some(id) => tx.tenant(console).users().find(id)?.map(|user| user.email.to_string()),
        None => None,
    };
    let asked = planned.as_ref();
    Ok(json!({
        "slug": tenant.slug.as_str(),
        "name": tenant.name.as_str(),
        "created_at": tenant.created_at.to_string(),
        "deletes_at": tenant.deletes_at.map(|at| at.to_string()),
        "asked_at": asked.map(|event: &AuditEvent| event.at.to_string()),
        "asked_by": asked.map(|event| event.actor.clone()),
        "asked_by_email": email,
        "asked_from": asked.and_then(|event| event.address.clone()),
    }))
}
