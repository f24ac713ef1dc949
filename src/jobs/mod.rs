//! Housekeeping in the background, safe on many replicas at once: every job can run twice and do its work once.

use std::fmt::Display;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::flows::administration::{Problem, due, keys};
use crate::flows::mail::{delivery, health};
use crate::flows::{Context, activity};
use crate::storage::StorageError;

const PERIOD: Duration = Duration::from_secs(10 * 60);

/// How long what was counted may be lost.
const ACTIVITY_PERIOD: Duration = Duration::from_secs(30);
/// How long mail may wait that another replica, or a try that failed, has left.
const MAIL_PERIOD: Duration = Duration::from_secs(2);
/// How long letters that are under way may take when the process is told to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(25);
/// Rows of each table that are swept out in one transaction at most.
const SWEPT: i64 = 500;
/// Tenants deleted in one round at most.
const TENANTS_DELETED: i64 = 10;
/// Accounts deleted in one round at most.
const DELETED: i64 = 500;

/// Runs until `stop` is told, and then finishes the letters that are under way.
pub async fn run(context: Arc<Context>, stop: Arc<Notify>) {
    tokio::select! {
        () = housekeeping(&context) => {}
        () = activity(&context) => {}
        () = mail(&context, &stop) => {}
    }
    // What was counted since the last time.
    write_activity(&context).await;
}

/// Sends mail as soon as it is ordered.
async fn mail(context: &Arc<Context>, stop: &Notify) {
    let mut stopped = pin!(stop.notified());
    let mut is_ordered_here = false;
    loop {
        let mut round = pin!(mail_round(context, is_ordered_here));
        tokio::select! {
            () = &mut round => {}
            () = &mut stopped => {
                // What is under way is finished, if that is possible at all.
                if tokio::time::timeout(STOP_PATIENCE, round).await.is_err() {
                    tracing::error!("stopped with letters under way: they may be sent again");
                }
                return;
            }
        }
        tokio::select! {
            () = &mut stopped => return,
            rung = tokio::time::timeout(MAIL_PERIOD, context.mail_bell.notified()) => {
                is_ordered_here = rung.is_ok();
            }
        }
    }
}

/// Another replica may send what was ordered here, but it is here that pages speak of it.
async fn mail_round(context: &Arc<Context>, is_ordered_here: bool) {
    let look = async {
        if is_ordered_here {
            health::look(context).await;
        }
    };
    let (sent, ()) = tokio::join!(delivery::send_due(context), look);
    note(context, "mail", sent.as_ref().err());
    if let Err(error) = sent {
        tracing::error!(%error, "mail could not be sent; it is tried again in seconds");
    }
}

async fn activity(context: &Context) {
    loop {
        tokio::time::sleep(ACTIVITY_PERIOD).await;
        write_activity(context).await;
    }
}

async fn write_activity(context: &Context) {
    let written = activity::write_down(context).await;
    note(context, "activity", written.as_ref().err());
    if let Err(error) = written {
        tracing::error!(%error, "the tenants' activity could not be written down; it is tried again");
    }
}

/// For the operators' page; the log has it as well.
fn note(context: &Context, job: &'static str, error: Option<&impl Display>) {
    context.jobs.note(job, context.now(), error.map(ToString::to_string));
}

async fn housekeeping(context: &Context) {
    loop {
        let done = round(context).await;
        note(context, "housekeeping", done.as_ref().err());
        if let Err(error) = done {
            tracing::error!(%error, "housekeeping failed; it is tried again in ten minutes");
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// Sweeps out what has expired, and gives keys their successors in time.
pub async fn round(context: &Context) -> Result<(), Problem> {
    let now = context.now();
    let mut rows = 0;
    loop {
        let swept = context.db.system_write::<_, StorageError>(move |tx| tx.sweep(now, SWEPT));
        let swept = swept.await?;
        rows += swept.rows;
        if swept.is_all {
            break;
        }
    }
    if rows > 0 {
        tracing::info!(rows, "swept out what had expired");
    }
    let deleted = due::delete_users(context, DELETED).await?;
    if deleted > 0 {
        tracing::info!(accounts = deleted, "deleted the accounts whose time had come");
    }
    let tenants = due::delete_tenants(context, TENANTS_DELETED).await?;
    if tenants > 0 {
        tracing::info!(tenants, "deleted the tenants whose time had come");
    }
    let keys = keys::replace_due(context).await?;
    if keys > 0 {
        tracing::info!(keys, "announced successors of signing keys");
    }
    Ok(())
}
