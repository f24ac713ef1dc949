//! Counting what happens in a tenant, for its overview: in memory, so that it costs a request nothing, and
//! written down twice a minute. What was counted since is lost when the process is killed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Context;
use crate::domain::activity::{Day, Kind};
use crate::domain::clock::Timestamp;
use crate::domain::ids::TenantId;
use crate::storage::StorageError;

type Counts = HashMap<(TenantId, Kind, Day), i64>;

#[derive(Default)]
pub struct ActivityCounter(Mutex<Counts>);

impl ActivityCounter {
    pub fn count(&self, tenant: TenantId, kind: Kind, now: Timestamp) {
        *self.counts().entry((tenant, kind, Day::of(now))).or_default() += 1;
    }

    fn take(&self) -> Counts {
        std::mem::take(&mut *self.counts())
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
                *context.activity.counts().entry((tenant, kind, day)).or_default() += count;
                failed = Err(error);
            }
        }
    }
    failed
}
