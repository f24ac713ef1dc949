//! Why a flow could not do what it was asked for no fault of the asker.
//! What the asker did wrong is part of a flow's own result.

use crate::crypto::hashing_threads::Overloaded;
use crate::crypto::jwt::KeyError;
use crate::storage::StorageError;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Too much to do: try again after so many seconds.
    #[error("overloaded")]
    Overloaded { retry_after: u64 },
    /// The database is away: try again later.
    #[error("{0}")]
    Unavailable(String),
    /// A defect, ours or the data's.
    #[error("{0}")]
    Internal(String),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Overloaded => Self::Overloaded { retry_after: 1 },
            StorageError::Unavailable(why) => Self::Unavailable(why),
            error @ (StorageError::Conflict
            | StorageError::MissingReference
            | StorageError::Corrupt(_)
            | StorageError::Statement(_)) => Self::Internal(error.to_string()),
        }
    }
}

impl From<Overloaded> for Failure {
    fn from(overloaded: Overloaded) -> Self {
        Self::Overloaded { retry_after: overloaded.retry_after_secs }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::Internal(error.to_string())
    }
}
