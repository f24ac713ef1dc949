//! The audit log of a tenant: append-only.

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::audit_events;
use super::tenant_tx::Scope;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AuditEventId;

pub struct AuditEvents<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = audit_events)]
struct Row {
    tenant_id: String,
    id: String,
    at: i64,
    action: String,
    actor: String,
    target: String,
    address: Option<String>,
}

impl AuditEvents<'_> {
    pub fn append(&mut self, event: &AuditEvent) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            id: event.id.to_string(),
            at: event.at.as_millis(),
            action: event.action.as_str().to_owned(),
            actor: event.actor.clone(),
            target: event.target.clone(),
            address: event.address.clone(),
        };
        diesel::insert_into(audit_events::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    /// The newest `limit` events before `before`, the newest first.
    pub fn page(
        &mut self,
        before: Option<AuditEventId>,
        limit: i64,
    ) -> Result<Vec<AuditEvent>, StorageError> {
        let of_tenant = audit_events::table
            .filter(audit_events::tenant_id.eq(self.0.tenant))
            .order(audit_events::id.desc())
            .limit(limit);
        let rows = match before {
            None => of_tenant.load::<Row>(self.0.connection)?,
            Some(id) => of_tenant
                .filter(audit_events::id.lt(id.to_string()))
                .load::<Row>(self.0.connection)?,
        };
        rows.into_iter().map(AuditEvent::try_from).collect()
    }
}

impl TryFrom<Row> for AuditEvent {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("audit event");
        Ok(Self {
            id: AuditEventId::parse(&row.id).map_err(|_| unreadable())?,
            at: Timestamp::from_millis(row.at),
            action: Action::parse(&row.action).ok_or_else(unreadable)?,
            actor: row.actor,
            target: row.target,
            address: row.address,
        })
    }
}
