//! The audit log of a tenant: append-only.

use std::collections::HashSet;

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::error::StorageError;
use super::prefix::past;
use super::schema::audit_events;
use super::tenant_tx::Scope;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::AuditEventId;

pub struct AuditEvents<'t>(pub(super) Scope<'t>);

/// Which events are looked for.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub action: Option<Action>,
    /// The ids of who did it, or of what it was done to: one of these.
    pub about: Option<Vec<String>>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// No event of that time or later has a lesser id: ids sort by time.
fn first_id(at: Timestamp) -> String {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&at.as_millis().max(0).to_be_bytes()[2..]);
    AuditEventId::from_bytes(bytes).to_string()
}

/// Of a statement that is kept, PostgreSQL makes one plan for all values, and then reads a tenant's whole log for
/// the few events of one kind or of one user. This one is not kept, and planned for what is looked for.
fn planned_for_its_values() -> SqlLiteral<Bool> {
    sql("TRUE")
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

    /// Who had the address and is gone, or has another by now, as far as the log says so.
    pub fn formerly(&mut self, email: &EmailAddress) -> Result<Vec<String>, StorageError> {
        let actions = [Action::UserDeleted, Action::EmailChanged, Action::MemberRemoved];
        let likely = |address: &str| format!("%{address}%");
        let told = audit_events::table
            .filter(audit_events::tenant_id.eq(self.0.tenant))
            .filter(audit_events::action.eq_any(actions.map(Action::as_str)))
            .filter(
                audit_events::details
                    .like(likely(email.as_str()))
                    .or(audit_events::details.like(likely(email.key()))),
            )
            .select((audit_events::target, audit_events::details))
            .load::<(String, Option<String>)>(self.0.connection)?;
        let says = |details: &Option<String>| {
            let details = details.as_deref().unwrap_or_default();
            let details = serde_json::from_str::<serde_json::Value>(details).unwrap_or_default();
            let before = details["before"]["email"].as_str().unwrap_or_default();
            EmailAddress::stored(before).is_ok_and(|before| before.key() == email.key())
        };
        Ok(told.into_iter().filter(|(_, details)| says(details)).map(|(id, _)| id).collect())
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
                        .filter(audit_events::actor.eq_any(about))
                        .load::<Row>(self.0.connection)?,
                    (Some(about), Half::Target) => query
                        .filter(audit_events::target.eq_any(about))
                        .load::<Row>(self.0.connection)?,
                }
            }};
        }
        let before = before.map_or_else(|| past(""), |id| id.to_string());
        let before = match filter.until.map(first_id) {
            Some(until) if until < before => until,
            Some(_) | None => before,
        };
        let from = filter.from.map_or_else(String::new, first_id);
        let of_tenant = audit_events::table
            .filter(audit_events::tenant_id.eq(self.0.tenant))
            .filter(planned_for_its_values())
            .filter(audit_events::id.lt(before))
            .filter(audit_events::id.ge(from))
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
