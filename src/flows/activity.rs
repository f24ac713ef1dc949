//! Counting what happens in a tenant, for its overview: in memory, so that it costs a request nothing, and
//! written down twice a minute. What was counted since is lost when the process is killed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Context;
use crate::domain::activity::{Day, Kind};
use crate::domain::clock::Timestamp;
use crate::domain::ids::TenantId;
use crate::storage::StorageError;

type Counts = HashMap<(TenantId, Kind, Day), i64>;

/// So many that threads seldom wait for one another.
const SHARDS: usize = 16;

/// Each thread counts in a shard of its own, as far as there are enough.
#[derive(Default)]
pub struct ActivityCounter([Mutex<Counts>; SHARDS]);

impl ActivityCounter {
    pub fn count(&self, tenant: TenantId, kind: Kind, now: Timestamp) {
        self.add((tenant, kind, Day::of(now)), 1);
    }

    fn add(&self, what: (TenantId, Kind, Day), count: i64) {
        *locked(&self.0[own_shard()]).entry(what).or_default() += count;
    }

    fn take(&self) -> Counts {
        let mut all = Counts::default();
        for shard in &self.0 {
            for (what, count) in std::mem::take(&mut *locked(shard)) {
                *all.entry(what).or_default() += count;
            }
        }
        all
    }
}

fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    OWN.with(|own| *own)
}

fn locked(shard: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes down what was counted. What cannot be written now is kept for the next time.
pub async fn write_down(context: &Context) -> Result<(), StorageError> {
    let mut failed = Ok(());
    for ((tenant, kind, day), count) in context.activity.take() {
        let written = context.db.write_again(tenant, move |tx| tx.activity().add(kind, day, count));
        match written.await {
            // Nobody wants the numbers of a tenant that was deleted meanwhile.
            Ok(()) | Err(StorageError::MissingReference) => {}
            Err(error) => {
                context.activity.add((tenant, kind, day), count);
                failed = Err(error);
            }
        }
    }
    failed
}
