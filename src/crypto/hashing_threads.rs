//! Threads that hash passwords and do nothing else: few, of low priority, behind a bounded queue that is
//! fair between tenants. A flood of sign-ins fills the queue and is refused; all else stays as fast as before.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use thread_priority::{ThreadPriority, set_current_thread_priority};
use tokio::sync::oneshot;

use super::fair_queue::FairQueue;
use super::password::{self, Arena, Checked, SALT_LENGTH, Strength};
use crate::domain::entropy::Entropy;
use crate::domain::ids::TenantId;
use crate::domain::password::{NewPassword, PasswordHash, PresentedPassword};
use crate::domain::secret::Secret;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingSettings {
    /// At least one.
    pub threads: usize,
    /// How many passwords may wait.
    pub queue_limit: usize,
    /// How many of one tenant's may.
    pub tenant_queue_limit: usize,
    /// What has waited so long is refused rather than hashed: its asker has given up.
    pub time_limit: Duration,
}

impl Default for HashingSettings {
    fn default() -> Self {
        Self {
            threads: thread::available_parallelism().map_or(1, usize::from),
            queue_limit: 256,
            tenant_queue_limit: 64,
            time_limit: Duration::from_secs(5),
        }
    }
}

/// Too many passwords wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords to check; try again in {retry_after_secs} s")]
pub struct Overloaded {
    pub retry_after_secs: u64,
}

/// A full queue of the default length is worked off in this time.
const OVERLOADED: Overloaded = Overloaded { retry_after_secs: 2 };

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// The password is right. Where its hash was weaker than today's setting, a new one to keep.
    Match {
        rehash: Option<PasswordHash>,
    },
    Mismatch,
}

/// Hashes and checks passwords on threads of its own, which end when it is dropped.
pub struct PasswordHasher {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    time_limit: Duration,
    entropy: Arc<dyn Entropy>,
    metrics: HashingMetrics,
}

struct HashingMetrics {
    /// Seconds that a password waited for a thread, and that hashing it then took.
    waiting: Histogram,
    hashing: Histogram,
}

impl Default for HashingMetrics {
    fn default() -> Self {
        let histogram = || Histogram::new(exponential_buckets(0.005, 2.0, 12));
        Self { waiting: histogram(), hashing: histogram() }
    }
}

struct State {
    queue: FairQueue<TenantId, Job>,
    closed: bool,
}

struct Job {
    asked_at: Instant,
    task: Task,
}

enum Task {
    Hash(NewPassword, Answer<PasswordHash>),
    Verify(PresentedPassword, Option<PasswordHash>, Answer<Verification>),
}

type Answer<T> = oneshot::Sender<Result<T, Overloaded>>;

impl PasswordHasher {
    /// Fails if the system lets us have no threads.
    pub fn start(settings: HashingSettings, entropy: Arc<dyn Entropy>) -> std::io::Result<Self> {
        let mut hasher = Self::without_threads(settings, entropy);
        for number in 1..=settings.threads.max(1) {
            let shared = Arc::clone(&hasher.shared);
            let thread = thread::Builder::new().name(format!("hashing-{number}"));
            hasher.threads.push(thread.spawn(move || shared.work())?);
        }
        Ok(hasher)
    }

    fn without_threads(settings: HashingSettings, entropy: Arc<dyn Entropy>) -> Self {
        let queue = FairQueue::new(settings.queue_limit, settings.tenant_queue_limit);
        let state = Mutex::new(State { queue, closed: false });
        let time_limit = settings.time_limit;
        let (changed, metrics) = (Condvar::new(), HashingMetrics::default());
        let shared = Arc::new(Shared { state, changed, time_limit, entropy, metrics });
        Self { shared, threads: Vec::new() }
    }

    pub async fn hash(
        &self,
        tenant: TenantId,
        password: NewPassword,
    ) -> Result<PasswordHash, Overloaded> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(tenant, Task::Hash(password, answer))?;
        // No answer: the threads are ending.
        answered.await.unwrap_or(Err(OVERLOADED))
    }

    /// `None`, for a user who is unknown or has no password, costs as much as any hash and never matches.
    pub async fn verify(
        &self,
        tenant: TenantId,
        password: PresentedPassword,
        expected: Option<PasswordHash>,
    ) -> Result<Verification, Overloaded> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(tenant, Task::Verify(password, expected, answer))?;
        answered.await.unwrap_or(Err(OVERLOADED))
    }

    /// Whether another password of the tenant would be refused at this moment: for leaving undone what would
    /// be done in vain.
    pub fn has_room_for(&self, tenant: TenantId) -> Result<(), Overloaded> {
        if self.shared.state().queue.has_room_for(&tenant) { Ok(()) } else { Err(OVERLOADED) }
    }

    /// How many passwords wait.
    pub fn queue_length(&self) -> usize {
        self.shared.state().queue.len()
    }

    pub fn register(&self, registry: &mut Registry) {
        let HashingMetrics { waiting, hashing } = &self.shared.metrics;
        let help = "Time a password waited for a thread to hash it";
        registry.register("doorward_password_wait_seconds", help, waiting.clone());
        let help = "Time it took to hash a password";
        registry.register("doorward_password_hash_seconds", help, hashing.clone());
    }

    fn enqueue(&self, tenant: TenantId, task: Task) -> Result<(), Overloaded> {
        let job = Job { asked_at: Instant::now(), task };
        self.shared.state().queue.push(tenant, job).map_err(|_full| OVERLOADED)?;
        self.shared.changed.notify_one();
        Ok(())
    }
}

impl Drop for PasswordHasher {
    /// Waits for the hashes that are being made, some milliseconds each, and for no others.
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that hashed passwords had panicked");
            }
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        if let Err(error) = set_current_thread_priority(ThreadPriority::Min) {
            tracing::warn!(
                ?error,
                "passwords are hashed at the same priority as requests are answered"
            );
        }
        let mut arena = Arena::default();
        while let Some(job) = self.next_job() {
            let waited = job.asked_at.elapsed();
            let started = Instant::now();
            let attend = || job.attend(waited, self.time_limit, &mut arena, &*self.entropy);
            // A thread fewer would go unnoticed until nobody could sign in.
            match panic::catch_unwind(AssertUnwindSafe(attend)) {
                Ok(Attended::Done) => {
                    self.metrics.waiting.observe(waited.as_secs_f64());
                    self.metrics.hashing.observe(started.elapsed().as_secs_f64());
                }
                Ok(Attended::Refused | Attended::Skipped) => {}
                Err(_) => {
                    tracing::error!("hashing a password panicked; its asker is told to try again");
                }
            }
        }
    }

    /// Waits for it; `None` when there will be no more.
    fn next_job(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.queue.pop() {
                return Some(job);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What became of a job.
#[derive(Debug, PartialEq, Eq)]
enum Attended {
    Done,
    /// It had waited too long.
    Refused,
    /// Nobody waits for it any more.
    Skipped,
}

impl Job {
    fn attend(
        self,
        waited: Duration,
        time_limit: Duration,
        arena: &mut Arena,
        entropy: &dyn Entropy,
    ) -> Attended {
        if self.task.is_abandoned() {
            return Attended::Skipped;
        }
        if waited >= time_limit {
            self.task.refuse();
            return Attended::Refused;
        }
        self.task.run(arena, entropy);
        Attended::Done
    }
}

impl Task {
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Hash(_, answer) => answer.is_closed(),
            Self::Verify(_, _, answer) => answer.is_closed(),
        }
    }

    fn refuse(self) {
        match self {
            Self::Hash(_, answer) => give(answer, Err(OVERLOADED)),
            Self::Verify(_, _, answer) => give(answer, Err(OVERLOADED)),
        }
    }

    fn run(self, arena: &mut Arena, entropy: &dyn Entropy) {
        match self {
            // Without a hash the answer is dropped, and the asker told to try again.
            Self::Hash(password, answer) => {
                if let Some(hash) = hash(arena, password.secret(), entropy) {
                    give(answer, Ok(hash));
                }
            }
            Self::Verify(password, expected, answer) => {
                give(answer, Ok(verify(arena, &password, expected, entropy)));
            }
        }
    }
}

/// An asker who has gone away meanwhile misses nothing.
fn give<T>(answer: Answer<T>, result: Result<T, Overloaded>) {
    drop(answer.send(result));
}

fn hash(arena: &mut Arena, password: &Secret, entropy: &dyn Entropy) -> Option<PasswordHash> {
    let mut salt = [0; SALT_LENGTH];
    entropy.fill(&mut salt);
    password::hash(arena, password, &salt)
        .inspect_err(|error| tracing::error!(%error, "a password could not be hashed"))
        .ok()
}

fn verify(
    arena: &mut Arena,
    password: &PresentedPassword,
    expected: Option<PasswordHash>,
    entropy: &dyn Entropy,
) -> Verification {
    let is_known = expected.is_some();
    let expected = expected.unwrap_or_else(password::nobodys_hash);
    match password::verify(arena, password, &expected) {
        Checked::Match(_) if !is_known => Verification::Mismatch,
        Checked::Match(Strength::UpToDate) => Verification::Match { rehash: None },
        Checked::Match(Strength::Outdated) => {
            Verification::Match { rehash: hash(arena, password.secret(), entropy) }
        }
        Checked::Mismatch => Verification::Mismatch,
        Checked::Unreadable => {
            tracing::error!(
                "a stored password hash is damaged or unsupported: its user cannot sign in"
            );
            // The answer takes as long as any other.
            password::verify(arena, password, &password::nobodys_hash());
            Verification::Mismatch
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::entropy::OsEntropy;
    use tokio::runtime;

    const OUTDATED: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    fn settings() -> HashingSettings {
        HashingSettings {
            threads: 2,
            queue_limit: 3,
            tenant_queue_limit: 2,
            time_limit: Duration::from_secs(60),
        }
    }

    fn hasher() -> PasswordHasher {
        PasswordHasher::start(settings(), Arc::new(OsEntropy)).unwrap()
    }

    fn idle(settings: HashingSettings) -> PasswordHasher {
        PasswordHasher::without_threads(settings, Arc::new(OsEntropy))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn tenant(number: u8) -> TenantId {
        TenantId::from_bytes([number; 16])
    }

    fn new(text: &str) -> NewPassword {
        NewPassword::parse(text).unwrap()
    }

    fn presented(text: &str) -> PresentedPassword {
        PresentedPassword::parse(text).unwrap()
    }

    type Asker = oneshot::Receiver<Result<Verification, Overloaded>>;

    fn task() -> (Task, Asker) {
        let (answer, asker) = oneshot::channel();
        (Task::Verify(presented("password"), None, answer), asker)
    }

    #[test]
    fn a_password_that_was_hashed_is_verified() {
        block_on(async {
            let hasher = hasher();
            let hash = hasher.hash(tenant(1), new("right password")).await.unwrap();
            let verify =
                async |text, hash| hasher.verify(tenant(1), presented(text), hash).await.unwrap();
            let good = verify("right password", Some(hash.clone())).await;
            assert_eq!(good, Verification::Match { rehash: None });
            assert_eq!(verify("wrong password", Some(hash)).await, Verification::Mismatch);
        });
    }

    #[test]
    fn each_hash_has_a_salt_of_its_own() {
        block_on(async {
            let hasher = hasher();
            let one = hasher.hash(tenant(1), new("right password")).await.unwrap();
            assert_ne!(hasher.hash(tenant(1), new("right password")).await.unwrap(), one);
        });
    }

    #[test]
    fn nobodys_password_is_never_right() {
        block_on(async {
            let hasher = hasher();
            for password in [presented("password"), PresentedPassword::none()] {
                let answer = hasher.verify(tenant(1), password, None).await;
                assert_eq!(answer, Ok(Verification::Mismatch));
            }
        });
    }

    #[test]
    fn an_outdated_hash_is_made_anew_for_the_right_password_alone() {
        let arena = &mut Arena::default();
        let outdated = || Some(PasswordHash::from_phc(OUTDATED.to_owned()));
        let answer = verify(arena, &presented("password"), outdated(), &OsEntropy);
        let Verification::Match { rehash: Some(new) } = answer else { panic!("{answer:?}") };
        let again = verify(arena, &presented("password"), Some(new), &OsEntropy);
        assert_eq!(again, Verification::Match { rehash: None });
        let wrong = verify(arena, &presented("passwort"), outdated(), &OsEntropy);
        assert_eq!(wrong, Verification::Mismatch);
    }

    #[test]
    fn a_damaged_hash_matches_nothing() {
        let damaged = PasswordHash::from_phc("password".to_owned());
        let answer =
            verify(&mut Arena::default(), &presented("password"), Some(damaged), &OsEntropy);
        assert_eq!(answer, Verification::Mismatch);
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let hasher = idle(settings());
        let mut askers = Vec::new();
        let mut enqueue = |number| {
            let (task, asker) = task();
            askers.push(asker);
            hasher.enqueue(tenant(number), task)
        };
        assert_eq!(enqueue(1), Ok(()));
        assert_eq!(enqueue(1), Ok(()));
        assert_eq!(enqueue(1), Err(OVERLOADED), "full for this tenant");
        assert_eq!(enqueue(2), Ok(()));
        assert_eq!(enqueue(3), Err(OVERLOADED), "full for all");
        assert_eq!(hasher.queue_length(), 3);
        let refused = block_on(hasher.hash(tenant(4), new("right password")));
        assert_eq!(refused, Err(OVERLOADED));
    }

    #[test]
    fn another_tenants_job_goes_before_the_rest_of_a_flood() {
        let hasher =
            idle(HashingSettings { queue_limit: 100, tenant_queue_limit: 60, ..settings() });
        let (flood, mut askers): (Vec<_>, Vec<_>) = (0..60).map(|_| task()).unzip();
        for task in flood {
            hasher.enqueue(tenant(1), task).unwrap();
        }
        let attend = || {
            let job = hasher.shared.next_job().unwrap();
            job.task.refuse();
        };
        // A thread is at work for the flood when the other comes.
        attend();
        let (task, mut single) = task();
        hasher.enqueue(tenant(2), task).unwrap();
        attend();
        assert!(single.try_recv().is_ok());
        let served = askers.iter_mut().filter_map(|asker| asker.try_recv().ok()).count();
        assert_eq!(served, 1);
    }

    #[test]
    fn what_has_waited_too_long_is_refused_unhashed() {
        let arena = &mut Arena::default();
        let limit = Duration::from_secs(5);
        let mut attend = |waited| {
            let (task, mut asker) = task();
            let job = Job { asked_at: Instant::now(), task };
            (job.attend(waited, limit, arena, &OsEntropy), asker.try_recv().unwrap())
        };
        let in_time = limit - Duration::from_nanos(1);
        assert_eq!(attend(in_time), (Attended::Done, Ok(Verification::Mismatch)));
        assert_eq!(attend(limit), (Attended::Refused, Err(OVERLOADED)));
    }

    #[test]
    fn the_time_limit_counts_from_the_asking() {
        let hasher = PasswordHasher::start(
            HashingSettings { time_limit: Duration::ZERO, ..settings() },
            Arc::new(OsEntropy),
        );
        let refused = block_on(hasher.unwrap().hash(tenant(1), new("right password")));
        assert_eq!(refused, Err(OVERLOADED));
    }

    #[test]
    fn a_job_whose_asker_has_gone_is_skipped() {
        for waited in [Duration::ZERO, Duration::from_secs(9)] {
            let (task, asker) = task();
            drop(asker);
            let job = Job { asked_at: Instant::now(), task };
            let limit = Duration::from_secs(5);
            let attended = job.attend(waited, limit, &mut Arena::default(), &OsEntropy);
            assert_eq!(attended, Attended::Skipped);
        }
    }

    #[test]
    fn a_panic_costs_one_answer_and_no_thread() {
        /// Has no randomness to give the first time.
        struct Broken(std::sync::atomic::AtomicBool);
        impl Entropy for Broken {
            fn fill(&self, bytes: &mut [u8]) {
                assert!(
                    self.0.swap(true, std::sync::atomic::Ordering::SeqCst),
                    "as the test wants"
                );
                OsEntropy.fill(bytes);
            }
        }
        let entropy = Arc::new(Broken(false.into()));
        let one_thread = HashingSettings { threads: 1, ..settings() };
        let hasher = PasswordHasher::start(one_thread, entropy).unwrap();
        block_on(async {
            let first = hasher.hash(tenant(1), new("right password")).await;
            assert_eq!(first, Err(OVERLOADED));
            assert!(hasher.hash(tenant(1), new("right password")).await.is_ok());
        });
    }

    #[test]
    fn dropping_the_hasher_ends_its_threads_and_answers_those_who_wait() {
        let hasher = idle(settings());
        let (task, mut asker) = task();
        hasher.enqueue(tenant(1), task).unwrap();
        drop(hasher);
        assert_eq!(asker.try_recv(), Err(oneshot::error::TryRecvError::Closed));

        let hasher = self::hasher();
        let shared = Arc::downgrade(&hasher.shared);
        drop(hasher);
        assert!(shared.upgrade().is_none(), "each thread has let go of what they share");
    }

    #[test]
    fn many_askers_at_once_all_get_their_answer() {
        let settings = HashingSettings { queue_limit: 64, tenant_queue_limit: 64, ..settings() };
        let hasher = Arc::new(PasswordHasher::start(settings, Arc::new(OsEntropy)).unwrap());
        block_on(async {
            let mut asked = Vec::new();
            for number in 0..24 {
                let hasher = Arc::clone(&hasher);
                asked.push(tokio::spawn(async move {
                    hasher.verify(tenant(number % 3), presented("password"), None).await
                }));
            }
            for asked in asked {
                assert_eq!(asked.await.unwrap(), Ok(Verification::Mismatch));
            }
        });
        assert_eq!(hasher.queue_length(), 0);
    }
}
