//! Trying a tenant's mail, and seeing what could not be sent.

use super::{OPERATOR, Problem};
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::mail_order::{Letter, MailOrder};
use crate::domain::tenant::Tenant;
use crate::flows::Context;
use crate::storage::StorageError;

/// Orders a letter that says no more than that mail arrives.
pub async fn order_test(
    context: &Context,
    tenant: &Tenant,
    to: &EmailAddress,
) -> Result<(), Problem> {
    let order = context.letter(tenant.id, Letter::Test, to, None);
    let event = context.event(Action::MailTested, OPERATOR, order.id, None);
    let ordered = context.db.write::<_, StorageError>(tenant.id, move |tx| {
        tx.mail_orders().insert(&order)?;
        tx.audit_events().append(&event)
    });
    ordered.await?;
    context.mail_bell.notify_one();
    Ok(())
}

/// What could not be sent, the newest first.
pub async fn dead_letters(
    context: &Context,
    tenant: &Tenant,
    limit: i64,
) -> Result<Vec<MailOrder>, Problem> {
    let dead =
        context.db.read::<_, StorageError>(tenant.id, move |tx| tx.mail_orders().dead(limit));
    Ok(dead.await?)
}
