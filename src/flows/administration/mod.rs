//! What admins and operators do: make and change tenants, applications, users, roles and keys. The command
//! line stands on these flows today; the console and a management API will stand on the same ones.

pub mod applications;
pub mod audit;
pub mod description;
pub mod due;
pub mod health;
pub mod hosts;
pub mod keys;
pub mod mail;
pub mod members;
pub mod operators;
pub mod providers;
pub mod roles;
pub mod tenants;
pub mod users;

use std::ops::Deref;

use serde_json::Value;

use crate::domain::audit::{Action, AuditEvent};
use crate::domain::ids::UserId;
use crate::flows::{Context, Failure};
use crate::storage::StorageError;

/// Whoever has the command line.
const OPERATOR: &str = "operator";

/// Who changes something, and with what. Reading needs no more than the context.
pub struct Administrator<'c> {
    context: &'c Context,
    actor: String,
    address: Option<String>,
}

impl<'c> Administrator<'c> {
    pub fn command_line(context: &'c Context) -> Self {
        Self { context, actor: OPERATOR.to_owned(), address: None }
    }

    /// A console account, at this address.
    pub fn account(context: &'c Context, id: UserId, address: Option<String>) -> Self {
        Self { context, actor: id.to_string(), address }
    }

    /// An operator of the deployment, who is no member of the tenant; its audit log says so.
    pub fn operator(context: &'c Context, id: UserId, address: Option<String>) -> Self {
        Self { context, actor: format!("{OPERATOR}:{id}"), address }
    }

    /// Whether the audit log names an operator as whoever did something, or the command line.
    fn is_operators(event: &AuditEvent) -> bool {
        event.actor.split(':').next() == Some(OPERATOR)
    }

    fn record(&self, action: Action, target: impl ToString) -> AuditEvent {
        self.context.event(action, &self.actor, target, self.address.as_deref())
    }

    /// With what was there before and what is there now; neither holds a secret.
    fn record_change(
        &self,
        action: Action,
        target: impl ToString,
        before: &Value,
        after: &Value,
    ) -> AuditEvent {
        self.record(action, target).with_change(before, after)
    }
}

impl Deref for Administrator<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        self.context
    }
}

/// Why something was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The input is at fault; the text says how to mend it.
    #[error("{0}")]
    Input(String),
    /// Somebody else changed it since it was shown; this is what it is now.
    #[error("somebody else changed this meanwhile; look at it again")]
    Stale(Value),
    /// There is no such thing in the tenant.
    #[error("there is no such thing")]
    Unknown,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl Problem {
    pub(super) fn input(text: impl Into<String>) -> Self {
        Self::Input(text.into())
    }

    /// Refuses an edit that was made on something else than what is there. `None` is made on whatever there is.
    fn unless_current(now: &Value, seen: Option<&str>) -> Result<(), Self> {
        match seen {
            Some(seen) if seen != description::version(now) => Err(Self::Stale(now.clone())),
            Some(_) | None => Ok(()),
        }
    }
}

/// Why the transaction was undone.
enum Undone {
    Problem(Problem),
    Storage(StorageError),
}

impl From<StorageError> for Undone {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<Undone> for Problem {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Problem(problem) => problem,
            Undone::Storage(error) => error.into(),
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}
