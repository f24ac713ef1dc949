//! Reading the audit log.

use std::collections::{HashMap, HashSet};

use super::{Problem, operators};
use crate::domain::audit::AuditEvent;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::{AuditEventId, UserId};
use crate::domain::tenant::Tenant;
use crate::flows::Context;
use crate::storage::{AuditFilter, StorageError};

/// The addresses of those users and console accounts who did something in these events, or to whom it was done.
pub async fn people(
    context: &Context,
    tenant: &Tenant,
    events: &[AuditEvent],
) -> Result<HashMap<String, String>, Problem> {
    let ids = events.iter().flat_map(|event| [&event.actor, &event.target]);
    let ids: HashSet<String> = ids.filter(|id| UserId::parse(id).is_ok()).cloned().collect();
    let ids: Vec<String> = ids.into_iter().collect();
    let console = operators::console_tenant(context).await?.id;
    let mut people = HashMap::new();
    for tenant in [console, tenant.id] {
        let ids = ids.clone();
        let some = context
            .db
            .read::<_, StorageError>(tenant, move |tx| tx.users().addresses(&ids))
            .await?;
        people.extend(some);
    }
    Ok(people)
}

/// The ids that somebody means by `text`: itself, or if it is an address those of the user and the console account
/// that have it, and of those who had it and are gone.
pub async fn ids(context: &Context, tenant: &Tenant, text: &str) -> Result<Vec<String>, Problem> {
    let Ok(email) = EmailAddress::parse(text) else { return Ok(vec![text.to_owned()]) };
    let console = operators::console_tenant(context).await?.id;
    let mut ids = Vec::new();
    for scope in [console, tenant.id] {
        let email = email.clone();
        let user = context
            .db
            .read::<_, StorageError>(scope, move |tx| tx.users().find_by_email(&email))
            .await?;
        ids.extend(user.map(|(user, _)| user.id.to_string()));
    }
    let former =
        context.db.read::<_, StorageError>(tenant.id, move |tx| tx.audit_events().formerly(&email));
    ids.extend(former.await?);
    Ok(ids)
}

/// The newest `limit` events before `before`, the newest first.
pub async fn page(
    context: &Context,
    tenant: &Tenant,
    filter: AuditFilter,
    before: Option<AuditEventId>,
    limit: i64,
) -> Result<Vec<AuditEvent>, Problem> {
    let page = context.db.read::<_, StorageError>(tenant.id, move |tx| {
        tx.audit_events().page(&filter, before, limit)
    });
    Ok(page.await?)
}
