//! Housekeeping in the background, safe on many replicas at once: every job can run twice and do its work once.

use std::sync::Arc;
use std::time::Duration;

use crate::flows::Context;
use crate::flows::administration::{Problem, keys};
use crate::storage::StorageError;

const PERIOD: Duration = Duration::from_secs(10 * 60);

/// Runs until the process ends.
pub async fn run(context: Arc<Context>) {
    loop {
        if let Err(error) = round(&context).await {
            tracing::error!(%error, "housekeeping failed; it is tried again in ten minutes");
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// Sweeps out what has expired, and gives keys their successors in time.
pub async fn round(context: &Context) -> Result<(), Problem> {
    let now = context.now();
    let swept = context.db.system_write::<_, StorageError>(move |tx| tx.sweep(now)).await?;
    if swept > 0 {
        tracing::info!(rows = swept, "swept out what had expired");
    }
    let keys = keys::replace_due(context).await?;
    if keys > 0 {
        tracing::info!(keys, "announced successors of signing keys");
    }
    Ok(())
}
