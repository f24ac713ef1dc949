//! The migrations, embedded: one folder for each database, step for step the same.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::AnyConnection;
use super::error::StorageError;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any constant will do: it keeps replicas that start together from migrating together.
const ADVISORY_LOCK: i64 = 0x6466_7277_6172_6421;

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn pending(connection: &mut AnyConnection) -> Result<Vec<String>, StorageError> {
    let applied = match connection {
        AnyConnection::Postgres(connection) => applied(connection),
        AnyConnection::Sqlite(connection) => applied(connection),
    };
    let applied = applied.map_err(unavailable)?;
    let names = match connection {
        AnyConnection::Postgres(_) => names::<diesel::pg::Pg>(&POSTGRES),
        AnyConnection::Sqlite(_) => names::<diesel::sqlite::Sqlite>(&SQLITE),
    };
    let missing = |(version, name): (MigrationVersion<'static>, String)| {
        (!applied.contains(&version)).then_some(name)
    };
    Ok(names.map_err(unavailable)?.into_iter().filter_map(missing).collect())
}

pub(super) fn run(connection: &mut AnyConnection) -> Result<Vec<String>, StorageError> {
    match connection {
        AnyConnection::Postgres(connection) => {
            connection.batch_execute(&format!("SELECT pg_advisory_lock({ADVISORY_LOCK})"))?;
            let done = run_on(connection, POSTGRES);
            connection.batch_execute(&format!("SELECT pg_advisory_unlock({ADVISORY_LOCK})"))?;
            done
        }
        // SQLite has no such lock: one transaction that begins with the right to write is one.
        AnyConnection::Sqlite(connection) => {
            connection.immediate_transaction(|connection| run_on(connection, SQLITE))
        }
    }
}

fn run_on<C, DB>(
    connection: &mut C,
    source: EmbeddedMigrations,
) -> Result<Vec<String>, StorageError>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let done = connection.run_pending_migrations(source).map_err(unavailable)?;
    Ok(done.iter().map(ToString::to_string).collect())
}

/// Without writing: the table of applied migrations need not exist yet.
fn applied<C, DB>(connection: &mut C) -> Result<Vec<MigrationVersion<'static>>, Failure>
where
    C: MigrationHarness<DB> + SimpleConnection,
    DB: diesel::backend::Backend,
{
    if connection.batch_execute("SELECT 1").is_err() {
        return Err("it does not answer".into());
    }
    if connection.batch_execute("SELECT 1 FROM __diesel_schema_migrations").is_err() {
        return Ok(Vec::new());
    }
    connection.applied_migrations()
}

fn names<DB: diesel::backend::Backend>(
    source: &EmbeddedMigrations,
) -> Result<Vec<(MigrationVersion<'static>, String)>, Failure>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let migrations = MigrationSource::<DB>::migrations(source)?;
    Ok(migrations
        .iter()
        .map(|migration| (migration.name().version().as_owned(), migration.name().to_string()))
        .collect())
}

fn unavailable(error: Failure) -> StorageError {
    StorageError::Unavailable(error.to_string())
}
