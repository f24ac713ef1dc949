//! `Db`: the async face of the database, and the only maker of transactions.

use std::sync::Arc;

use super::connection::{Access, AnyConnection, ConnectionManager, DatabaseUrl};
use super::error::StorageError;
use super::migrations;
use super::system_tx::SystemTx;
use super::tenant_tx::TenantTx;
use super::threads::{Load, Threads, atomically};
use crate::domain::ids::TenantId;

const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 8;

/// A handle to the database; clones share it.
#[derive(Clone)]
pub struct Db {
    url: DatabaseUrl,
    readers: Arc<Threads>,
    writers: Arc<Threads>,
}

/// Each is somebody else's success.
const CONFLICTS_IN_A_ROW: usize = 8;

impl Db {
    /// Starts the storage threads. Connects when first used: a database that is away now
    /// may be back then.
    pub fn open(url: DatabaseUrl) -> std::io::Result<Self> {
        let manager = |access| ConnectionManager { url: url.clone(), access };
        let (readers, writers) = match &url {
            DatabaseUrl::Sqlite(_) => {
                let readers =
                    Threads::pooled("storage-reader", manager(Access::ReadOnly), SQLITE_READERS)?;
                (Arc::new(readers), Arc::new(Threads::group_commit(manager(Access::ReadWrite))?))
            }
            DatabaseUrl::Postgres(_) => {
                let manager = manager(Access::ReadWrite);
                let threads = Arc::new(Threads::pooled("storage", manager, POSTGRES_CONNECTIONS)?);
                (Arc::clone(&threads), threads)
            }
        };
        Ok(Self { url, readers, writers })
    }

    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Reads what belongs to `tenant`.
    pub async fn read<T, E>(
        &self,
        tenant: TenantId,
        work: impl FnOnce(&mut TenantTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        flatten(
            self.readers
                .run(move |connection| Ok(work(&mut TenantTx::new(connection, tenant))))
                .await,
        )
    }

    /// Changes what belongs to `tenant`, in one transaction: `Err` undoes it, and `Ok` is
    /// answered after it has been committed.
    pub async fn write<T, E>(
        &self,
        tenant: TenantId,
        work: impl FnOnce(&mut TenantTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.write_with(move |connection| work(&mut TenantTx::new(connection, tenant))).await
    }

    /// The same for what replicas may insert at the same moment: on `Conflict` the work is done again, and
    /// then finds what the other has inserted.
    pub async fn write_again<T>(
        &self,
        tenant: TenantId,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T, StorageError> + Clone + Send + 'static,
    ) -> Result<T, StorageError>
    where
        T: Send + 'static,
    {
        for _ in 0..CONFLICTS_IN_A_ROW {
            match self.write(tenant, work.clone()).await {
                Err(StorageError::Conflict) => {}
                other => return other,
            }
        }
        self.write(tenant, work).await
    }

    /// Reads across tenants: for jobs, the command line, and finding a tenant by its name.
    pub async fn system_read<T, E>(
        &self,
        work: impl FnOnce(&mut SystemTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        flatten(self.readers.run(move |connection| Ok(work(&mut SystemTx::new(connection)))).await)
    }

    /// Changes things across tenants, in one transaction.
    pub async fn system_write<T, E>(
        &self,
        work: impl FnOnce(&mut SystemTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.write_with(move |connection| work(&mut SystemTx::new(connection))).await
    }

    /// The same as `write_again` across tenants.
    pub async fn system_write_again<T>(
        &self,
        work: impl Fn(&mut SystemTx<'_>) -> Result<T, StorageError> + Clone + Send + 'static,
    ) -> Result<T, StorageError>
    where
        T: Send + 'static,
    {
        for _ in 0..CONFLICTS_IN_A_ROW {
            match self.system_write(work.clone()).await {
                Err(StorageError::Conflict) => {}
                other => return other,
            }
        }
        self.system_write(work).await
    }

    async fn write_with<T, E>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        flatten(self.writers.run(move |connection| Ok(atomically(connection, work))).await)
    }

    /// What readers and writers have to do at the moment; on PostgreSQL they are the same threads.
    pub fn load(&self) -> (Load, Load) {
        (self.readers.load(), self.writers.load())
    }

    /// The names of the migrations that this binary has and the database lacks.
    /// A file that is missing stays so: SQLite would make it.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StorageError> {
        if let DatabaseUrl::Sqlite(path) = &self.url
            && !path.exists()
        {
            let why = format!("{} does not exist; `doorward migrate` makes it", path.display());
            return Err(StorageError::Unavailable(why));
        }
        self.readers.run(migrations::pending).await
    }

    /// Runs the pending migrations and names them. On a connection of its own, since a
    /// migration is no request: it may take long, and runs once.
    pub fn migrate(&self) -> Result<Vec<String>, StorageError> {
        let manager = ConnectionManager { url: self.url.clone(), access: Access::ReadWrite };
        let mut connection =
            manager.open().map_err(|error| StorageError::Unavailable(error.to_string()))?;
        migrations::run(&mut connection)
    }
}

fn flatten<T, E: From<StorageError>>(result: Result<Result<T, E>, StorageError>) -> Result<T, E> {
    result.unwrap_or_else(|error| Err(E::from(error)))
}
