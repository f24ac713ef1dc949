//! Sending what was ordered, on as many replicas as there are: an order is taken by one of them at a time.
//! A letter that was sent is sent no more; one that could not be is tried again, ever more rarely.

use std::sync::Arc;
use std::time::Duration;

use super::health;
use super::letters::{self, Prepared};
use crate::domain::clock::Timestamp;
use crate::domain::mail_order::{MailOrder, MailStatus, SENDING_TIME, back_off};
use crate::flows::{Context, Failure};
use crate::mail::SendError;
use crate::storage::StorageError;

/// Orders taken at a time, and sent side by side.
const BATCH: i64 = 8;
/// Well below the time after which another replica looks for mail that nobody sends.
const WRITING_PERIOD: Duration = Duration::from_millis(250);

/// Sends what is due, and says how many letters went out.
pub async fn send_due(context: &Arc<Context>) -> Result<usize, Failure> {
    if !context.mailer.can_send() {
        return Ok(0);
    }
    let (sent, ()) = tokio::join!(send_all(context), health::look_if_failing(context));
    sent
}

async fn send_all(context: &Arc<Context>) -> Result<usize, Failure> {
    let mut sent = 0;
    loop {
        let (now, until) = (context.now(), context.now() + SENDING_TIME);
        let taken = context
            .db
            .system_write::<_, StorageError>(move |tx| tx.take_mail(now, until, BATCH))
            .await?;
        if taken.is_empty() {
            return Ok(sent);
        }
        let mut sending = tokio::task::JoinSet::new();
        let looking = Arc::clone(context);
        // Whether or not there is somebody to write to.
        sending.spawn(async move {
            health::look(&looking).await;
            0
        });
        for orders in by_address(taken) {
            let context = Arc::clone(context);
            sending.spawn(async move {
                let mut sent = 0;
                for order in orders {
                    sent += usize::from(send(&context, order).await);
                }
                sent
            });
        }
        while let Some(outcome) = sending.join_next().await {
            match outcome {
                Ok(letters) => sent += letters,
                // One that cannot be sent keeps no other from it.
                Err(error) => tracing::error!(%error, "a letter was given up in the midst"),
            }
        }
    }
}

/// Side by side for several addresses, one after the other for each: of two links to one address, the one in
/// the later letter is the newer one.
fn by_address(mut orders: Vec<MailOrder>) -> Vec<Vec<MailOrder>> {
    orders.sort_by_key(|order| order.id);
    let mut groups: Vec<Vec<MailOrder>> = Vec::new();
    for order in orders {
        let is_to = |group: &&mut Vec<MailOrder>| {
            group.first().is_some_and(|first| {
                first.tenant_id == order.tenant_id && first.email.key() == order.email.key()
            })
        };
        match groups.iter_mut().find(is_to) {
            Some(group) => group.push(order),
            None => groups.push(vec![order]),
        }
    }
    groups
}

/// What came of an order.
#[derive(Clone)]
enum Outcome {
    /// It was sent, or nobody needs it.
    Done,
    /// Its turn comes later.
    Deferred(Timestamp),
    /// To be tried again, or given up.
    Failed { status: MailStatus, next: Timestamp, why: String },
}

/// Whether the letter went out.
async fn send(context: &Context, order: MailOrder) -> bool {
    let (is_sent, outcome) = match letters::prepare(context, &order).await {
        Ok(Prepared::Mail(mail)) => match context.mailer.send(*mail).await {
            Ok(()) => (true, Outcome::Done),
            Err(error) => (false, failed(context, &order, &error)),
        },
        Ok(Prepared::Needless) => (false, Outcome::Done),
        Ok(Prepared::Deferred(until)) => (false, Outcome::Deferred(until)),
        // One letter that cannot be written keeps no other from being sent.
        Err(failure) => {
            (false, failed(context, &order, &SendError::Unavailable(failure.to_string())))
        }
    };
    write_down(context, &order, outcome).await;
    is_sent
}

fn failed(context: &Context, order: &MailOrder, error: &SendError) -> Outcome {
    let next = context.now() + back_off(order.tries);
    let is_over = next >= order.created_at + order.letter.life();
    let status = match error {
        SendError::Refused(_) => MailStatus::Dead,
        SendError::Unavailable(_) if is_over => MailStatus::Dead,
        SendError::Unavailable(_) => MailStatus::Waiting,
    };
    tracing::warn!(mail = %order.id, %error, status = status.as_str(), "a letter could not be sent");
    // A server's answer may repeat the address; it is for the admins of the tenant alone.
    Outcome::Failed { status, next, why: error.to_string().chars().take(500).collect() }
}

/// Until it is written: a letter that went out and is forgotten goes out again. If the database is away, this
/// process alone knows of it, so it holds on to it until whoever runs it stops it.
async fn write_down(context: &Context, order: &MailOrder, outcome: Outcome) {
    let id = order.id;
    loop {
        let outcome = outcome.clone();
        let written = context.db.write::<_, StorageError>(order.tenant_id, move |tx| {
            let mut orders = tx.mail_orders();
            match outcome {
                Outcome::Done => orders.delete(id),
                Outcome::Deferred(until) => orders.defer(id, until),
                Outcome::Failed { status, next, why } => orders.fail(id, status, next, &why),
            }
        });
        let Err(error) = written.await else { return };
        tracing::warn!(mail = %id, %error, "what came of a letter could not be written down yet");
        tokio::time::sleep(WRITING_PERIOD).await;
    }
}
