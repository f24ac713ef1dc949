//! The audit log of a tenant: append-only.

use std::collections::HashSet;

use diesel::prelude::*;

use super::error::StorageError;
use super::prefix::past;
use super::schema::audit_events;
use super::tenant_tx::Scope;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AuditEventId;

pub struct AuditEvents<'t>(pub(super) Scope<'t>);

/// Which events are looked for.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub action: Option<Action>,
    /// The id of who did it, or of what it was done to.
    pub about: Option<String>,
}

#[derive(Clone, Copy)]
enum Half {
    Actor,
    Target,
}

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
    details: Option<String>,
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
            details: event.details.clone(),
        };
        diesel::insert_into(audit_events::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    /// The newest `limit` events before `before`, the newest first.
    pub fn page(
        &mut self,
        filter: &AuditFilter,
        before: Option<AuditEventId>,
        limit: i64,
    ) -> Result<Vec<AuditEvent>, StorageError> {
        // Each half has an index that is in the order of the page.
        let mut rows = self.rows(filter, Half::Actor, before, limit)?;
        if filter.about.is_some() {
            let known: HashSet<String> = rows.iter().map(|row| row.id.clone()).collect();
            let about = self.rows(filter, Half::Target, before, limit)?;
            rows.extend(about.into_iter().filter(|row| !known.contains(&row.id)));
            rows.sort_by(|a, b| b.id.cmp(&a.id));
            rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        rows.into_iter().map(AuditEvent::try_from).collect()
    }

    fn rows(
        &mut self,
        filter: &AuditFilter,
        half: Half,
        before: Option<AuditEventId>,
        limit: i64,
    ) -> Result<Vec<Row>, StorageError> {
        macro_rules! load {
            ($query:expr) => {{
                let query = $query;
                match (&filter.about, half) {
                    (None, _) => query.load::<Row>(self.0.connection)?,
                    (Some(about), Half::Actor) => query
                        .filter(audit_events::actor.eq(about))
                        .load::<Row>(self.0.connection)?,
                    (Some(about), Half::Target) => query
                        .filter(audit_events::target.eq(about))
                        .load::<Row>(self.0.connection)?,
                }
            }};
        }
        let before = before.map_or_else(|| past(""), |id| id.to_string());
        let of_tenant = audit_events::table
            .filter(audit_events::tenant_id.eq(self.0.tenant))
            .filter(audit_events::id.lt(before))
            .order(audit_events::id.desc())
            .limit(limit);
        Ok(match filter.action {
            None => load!(of_tenant),
            Some(action) => load!(of_tenant.filter(audit_events::action.eq(action.as_str()))),
        })
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
            details: row.details,
        })
    }
}
