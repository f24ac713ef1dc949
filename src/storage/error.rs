//! What can go wrong between us and the database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database cannot be reached or does not answer; trying again later may help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Too much is waiting already.
    #[error("too many requests wait for the database")]
    Overloaded,
    /// Something of that name exists already.
    #[error("a row with this key exists already")]
    Conflict,
    /// A row points at something that is not there (any more).
    #[error("a row refers to one that does not exist")]
    MissingReference,
    /// A stored value is not one that we write.
    #[error("the database holds an unreadable {0}")]
    Corrupt(&'static str),
    #[error("the database refused a statement: {0}")]
    Statement(DieselError),
}

impl From<DieselError> for StorageError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::Conflict,
            DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
                Self::MissingReference
            }
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                information,
            ) => Self::Unavailable(information.message().to_owned()),
            DieselError::DatabaseError(_, ref information) if is_outage(information.message()) => {
                Self::Unavailable(information.message().to_owned())
            }
            DieselError::BrokenTransactionManager => {
                Self::Unavailable("the connection broke in a transaction".to_owned())
            }
            other => Self::Statement(other),
        }
    }
}

/// Neither driver tells these apart by kind.
fn is_outage(message: &str) -> bool {
    [
        "database is locked",
        "disk I/O error",
        "database or disk is full",
        "server closed the connection",
        "terminating connection",
        "no connection to the server",
        "could not receive data",
        "could not send data",
        "the database system is",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}
