//! Reading the audit log.

use super::Problem;
use crate::domain::audit::AuditEvent;
use crate::domain::ids::AuditEventId;
use crate::domain::tenant::Tenant;
use crate::flows::Context;
use crate::storage::{AuditFilter, StorageError};

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
