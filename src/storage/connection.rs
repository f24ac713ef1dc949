//! One connection type for both databases, and how one is opened.

use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::r2d2::ManageConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};

/// A connection to whichever database this deployment uses.
#[derive(diesel::MultiConnection)]
pub(super) enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

#[derive(Debug, thiserror::Error)]
#[error("DATABASE_URL is `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`")]
pub struct InvalidDatabaseUrl;

impl DatabaseUrl {
    pub fn parse(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        match text.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => Err(InvalidDatabaseUrl),
        }
    }

    /// For people and logs: without user name and password.
    pub fn redacted(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => match url::Url::parse(url) {
                Ok(url) => format!(
                    "postgres://{}{}{}",
                    url.host_str().unwrap_or_default(),
                    url.port().map(|port| format!(":{port}")).unwrap_or_default(),
                    url.path()
                ),
                Err(_) => "postgres://…".to_owned(),
            },
        }
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.redacted())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    ReadOnly,
}

/// Opens connections for the pools. Dispatches on the URL: the connection that diesel derives
/// would try one database after the other, and make a file of a mistyped `postgres:` URL.
pub(super) struct ConnectionManager {
    pub url: DatabaseUrl,
    pub access: Access,
}

impl ConnectionManager {
    pub fn open(&self) -> Result<AnyConnection, diesel::r2d2::Error> {
        use diesel::r2d2::Error;
        match &self.url {
            DatabaseUrl::Postgres(url) => {
                let connection = PgConnection::establish(url).map_err(Error::ConnectionError)?;
                Ok(AnyConnection::Postgres(connection))
            }
            DatabaseUrl::Sqlite(path) => {
                let path = path.to_string_lossy();
                let mut connection =
                    SqliteConnection::establish(&path).map_err(Error::ConnectionError)?;
                // busy_timeout first: the change to WAL already needs a lock. FULL: what we
                // acknowledged survives a power cut.
                connection
                    .batch_execute(
                        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
                         PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
                    )
                    .map_err(Error::QueryError)?;
                if self.access == Access::ReadOnly {
                    connection
                        .batch_execute("PRAGMA query_only = ON;")
                        .map_err(Error::QueryError)?;
                }
                Ok(AnyConnection::Sqlite(connection))
            }
        }
    }
}

impl ManageConnection for ConnectionManager {
    type Connection = AnyConnection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<AnyConnection, Self::Error> {
        self.open()
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), Self::Error> {
        connection.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        is_broken(connection)
    }
}

/// Whether it is dead, or in a transaction that nobody ends.
pub(super) fn is_broken(connection: &mut AnyConnection) -> bool {
    use diesel::connection::TransactionManager;
    <AnyConnection as diesel::Connection>::TransactionManager::is_broken_transaction_manager(
        connection,
    )
}
