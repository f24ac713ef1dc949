//! The threads that talk to the database, and their bounded queues. A closure goes in,
//! its answer comes out of a future; nothing async ever waits for a lock of the database.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use diesel::Connection as _;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use tokio::sync::oneshot;

use super::connection::{AnyConnection, ConnectionManager, is_broken};
use super::error::StorageError;

/// Waiting closures beyond this are refused.
const QUEUE_LIMIT: usize = 4_096;
/// Closures that one transaction of the writer carries at most.
const BATCH_LIMIT: usize = 256;
/// How long a thread waits for a connection before it says that the database is away.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// For so long after that, it is not waited for again.
const AWAY_MEMORY: Duration = Duration::from_millis(500);
/// A connection that has rested for longer is asked whether it lives before it gets work.
const TRUSTED_REST: Duration = Duration::from_secs(1);

/// A closure's answer, held back until it may be given.
type Acknowledge = Box<dyn FnOnce(Result<(), StorageError>) + Send>;
type Job = Box<dyn FnOnce(Result<&mut AnyConnection, StorageError>) -> Acknowledge + Send>;

/// One kind of database thread and the way to it.
pub(super) struct Threads {
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    busy: AtomicUsize,
}

/// What the threads of one kind have to do at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Closures that wait.
    pub waiting: usize,
    /// Threads that run one.
    pub busy: usize,
    pub threads: usize,
}

impl Threads {
    /// One thread that owns SQLite's write connection. It runs all that waits in one
    /// transaction, each closure in a savepoint, commits once, and only then answers.
    pub fn group_commit(manager: ConnectionManager) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(QUEUE_LIMIT);
        let thread = Builder::new()
            .name("storage-writer".to_owned())
            .spawn(move || GroupCommit { manager, connection: None }.run(&jobs))?;
        Ok(Self { queue: Some(queue), threads: vec![thread], counts: Arc::default() })
    }

    /// `count` threads that take connections from a pool; each closure is on its own.
    pub fn pooled(name: &str, manager: ConnectionManager, count: u32) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(QUEUE_LIMIT);
        let pool = r2d2::Pool::builder()
            .max_size(count)
            .min_idle(Some(0))
            .test_on_check_out(false)
            .connection_timeout(CONNECT_PATIENCE)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(manager);
        let pool =
            Arc::new(Pool { connections: pool, away: Mutex::new(None), lost: Mutex::new(None) });
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::new();
        for index in 0..count {
            let (jobs, pool) = (Arc::clone(&jobs), Arc::clone(&pool));
            let thread = Builder::new()
                .name(format!("{name}-{index}"))
                .spawn(move || run_pooled(&jobs, &pool))?;
            threads.push(thread);
        }
        Ok(Self { queue: Some(queue), threads, counts: Arc::default() })
    }

    /// Runs `work` on one of the threads. It is committed, if it writes, before the answer comes.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, answered) = oneshot::channel();
        let counts = Arc::clone(&self.counts);
        let job: Job = Box::new(move |connection| {
            counts.waiting.fetch_sub(1, Ordering::Relaxed);
            let _busy = Busy::mark(&counts);
            let result = connection.and_then(work);
            Box::new(move |committed| {
                // An asker who has gone away does not want the answer.
                let _ = answer.send(result.and_then(|value| committed.map(|()| value)));
            })
        });
        let queue = self.queue.as_ref().ok_or(StorageError::Overloaded)?;
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(job).map_err(|refused| {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => StorageError::Overloaded,
                TrySendError::Disconnected(_) => stopped(),
            }
        })?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Threads {
    pub fn load(&self) -> Load {
        Load {
            waiting: self.counts.waiting.load(Ordering::Relaxed),
            busy: self.counts.busy.load(Ordering::Relaxed),
            threads: self.threads.len(),
        }
    }
}

/// Counts a thread as busy for as long as it lives, a panic included.
struct Busy<'c>(&'c Counts);

impl<'c> Busy<'c> {
    fn mark(counts: &'c Counts) -> Self {
        counts.busy.fetch_add(1, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Threads {
    /// What waits is still done; then the threads end.
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn stopped() -> StorageError {
    StorageError::Unavailable("the storage thread stopped".to_owned())
}

type PooledConnection = r2d2::PooledConnection<ConnectionManager>;

struct Pool {
    connections: r2d2::Pool<ConnectionManager>,
    /// Since when the database has been away, and why.
    away: Mutex<Option<(Instant, String)>>,
    /// When a connection was last found dead. The others were dead then too, as a rule.
    lost: Mutex<Option<Instant>>,
}

/// When a connection last answered; the pool keeps it with the connection.
struct Answered(Instant);

impl Pool {
    /// A connection that lives: the dead ones of a database that was restarted cost no request its answer.
    fn get(&self) -> Result<PooledConnection, StorageError> {
        // What has died is not put back, so that all that rested are gone after as many turns.
        for _ in 0..=self.connections.max_size() {
            let mut connection = self.take()?;
            if self.is_trusted(&connection) || connection.batch_execute("SELECT 1").is_ok() {
                return Ok(connection);
            }
            *lock(&self.lost) = Some(Instant::now());
        }
        Err(StorageError::Unavailable("no connection answers".to_owned()))
    }

    /// Waits for a connection; not again and again, though, for a database that was away a moment ago.
    fn take(&self) -> Result<PooledConnection, StorageError> {
        let mut away = lock(&self.away).clone();
        away = away.filter(|(since, _)| since.elapsed() < AWAY_MEMORY);
        if let Some((_, why)) = away {
            return self.connections.try_get().ok_or(StorageError::Unavailable(why));
        }
        self.connections.get().map_err(|error| {
            let why = error.to_string();
            *lock(&self.away) = Some((Instant::now(), why.clone()));
            StorageError::Unavailable(why)
        })
    }

    /// It answered a moment ago, and none has been found dead since.
    fn is_trusted(&self, connection: &PooledConnection) -> bool {
        let lost = *lock(&self.lost);
        PooledConnection::extensions(connection).get::<Answered>().is_some_and(|Answered(when)| {
            when.elapsed() < TRUSTED_REST && lost.is_none_or(|lost| *when > lost)
        })
    }

    fn give_back(&self, mut connection: PooledConnection) {
        let now = Instant::now();
        if is_broken(&mut connection) {
            *lock(&self.lost) = Some(now);
        } else {
            PooledConnection::extensions_mut(&mut connection).insert(Answered(now));
            *lock(&self.away) = None;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_pooled(jobs: &Mutex<Receiver<Job>>, pool: &Pool) {
    loop {
        let received = lock(jobs).recv();
        let Ok(job) = received else { return };
        // A panic is a bug of one request: its asker hears of it by the dropped channel.
        let _ = catch_unwind(AssertUnwindSafe(|| match pool.get() {
            Ok(mut connection) => {
                let acknowledge = job(Ok(&mut connection));
                pool.give_back(connection);
                acknowledge(Ok(()));
            }
            Err(error) => job(Err(error))(Ok(())),
        }));
    }
}

struct GroupCommit {
    manager: ConnectionManager,
    connection: Option<AnyConnection>,
}

impl GroupCommit {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut waiting = Some(first);
            let mut answers = Vec::new();
            let begun = self.begin();
            let outcome = match begun {
                Err(error) => {
                    let message = error.to_string();
                    let unavailable = || StorageError::Unavailable(message.clone());
                    if let Some(job) = waiting.take() {
                        job(Err(unavailable()))(Ok(()));
                    }
                    continue;
                }
                Ok(connection) => catch_unwind(AssertUnwindSafe(|| {
                    while let Some(job) = waiting.take() {
                        answers.push(job(Ok(connection)));
                        if answers.len() < BATCH_LIMIT {
                            waiting = jobs.try_recv().ok();
                        }
                    }
                    commit(connection)
                })),
            };
            match outcome {
                Ok(Ok(())) => answers.into_iter().for_each(|answer| answer(Ok(()))),
                Ok(Err(error)) => self.give_up(answers, &error.to_string()),
                Err(_) => self.give_up(answers, "a request panicked"),
            }
        }
    }

    fn begin(&mut self) -> Result<&mut AnyConnection, StorageError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let opened = self.manager.open();
                opened.map_err(|error| StorageError::Unavailable(error.to_string()))?
            }
        };
        if let AnyConnection::Sqlite(sqlite) = &mut connection {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?;
        }
        Ok(self.connection.insert(connection))
    }

    /// Closing the connection undoes the transaction; nothing of it was acknowledged.
    fn give_up(&mut self, answers: Vec<Acknowledge>, why: &str) {
        tracing::error!(why, "a batch of writes was undone");
        self.connection = None;
        for answer in answers {
            answer(Err(StorageError::Unavailable(why.to_owned())));
        }
    }
}

fn commit(connection: &mut AnyConnection) -> Result<(), StorageError> {
    match connection {
        AnyConnection::Sqlite(sqlite) => Ok(AnsiTransactionManager::commit_transaction(sqlite)?),
        AnyConnection::Postgres(_) => Ok(()),
    }
}

/// Runs `work` in a transaction, or in a savepoint where one is open. `Err` rolls it back.
pub(super) fn atomically<T, E: From<StorageError>>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    enum Failure<E> {
        Work(E),
        Transaction(diesel::result::Error),
    }
    impl<E> From<diesel::result::Error> for Failure<E> {
        fn from(error: diesel::result::Error) -> Self {
            Self::Transaction(error)
        }
    }
    connection.transaction(|connection| work(connection).map_err(Failure::Work)).map_err(
        |failure| match failure {
            Failure::Work(error) => error,
            Failure::Transaction(error) => E::from(StorageError::from(error)),
        },
    )
}
