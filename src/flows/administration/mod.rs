//! What admins and operators do: make and change tenants, applications, users, roles and keys. The command
//! line stands on these flows today; the console and a management API will stand on the same ones.

pub mod applications;
pub mod keys;
pub mod mail;
pub mod operators;
pub mod providers;
pub mod roles;
pub mod tenants;
pub mod users;

use crate::flows::Failure;
use crate::storage::StorageError;

/// Who administers, for the audit log.
pub const OPERATOR: &str = "operator";

/// Why something was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The input is at fault; the text says how to mend it.
    #[error("{0}")]
    Input(String),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl Problem {
    pub(super) fn input(text: impl Into<String>) -> Self {
        Self::Input(text.into())
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}
