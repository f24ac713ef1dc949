//! Trying a tenant's mail, and seeing what could not be sent.

use serde_json::json;

use super::{Administrator, Problem};
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::MailId;
use crate::domain::mail_order::{Letter, MailOrder, MailStatus};
use crate::domain::tenant::Tenant;
use crate::flows::Context;
use crate::storage::StorageError;

/// Orders a letter that says no more than that mail arrives.
pub async fn order_test(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    to: &EmailAddress,
) -> Result<(), Problem> {
    let order = admin.letter(tenant.id, Letter::Test, to, None);
    let event = admin.record(Action::MailTested, order.id);
    let ordered = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.mail_orders().insert(&order)?;
        tx.audit_events().append(&event)
    });
    ordered.await?;
    admin.mail_bell.notify_one();
    Ok(())
}

/// Sends a dead letter after all.
pub async fn retry(admin: &Administrator<'_>, tenant: &Tenant, id: MailId) -> Result<(), Problem> {
    let (event, now) = (admin.record(Action::MailRetried, id), admin.now());
    let revived = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        let revived = tx.mail_orders().revive(id, now)?;
        if revived {
            let status = |status: MailStatus| json!({ "status": status.as_str() });
            let (before, after) = (status(MailStatus::Dead), status(MailStatus::Waiting));
            tx.audit_events().append(&event.with_change(&before, &after))?;
        }
        Ok(revived)
    });
    if !revived.await? {
        return Err(Problem::Unknown);
    }
    admin.mail_bell.notify_one();
    Ok(())
}

/// The newest `limit` before `before` of what could not be sent, the newest first.
pub async fn dead_letters(
    context: &Context,
    tenant: &Tenant,
    before: Option<MailId>,
    limit: i64,
) -> Result<Vec<MailOrder>, Problem> {
    let dead = context
        .db
        .read::<_, StorageError>(tenant.id, move |tx| tx.mail_orders().dead(before, limit));
    Ok(dead.await?)
}
