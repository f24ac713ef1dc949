//! Sending what was ordered, on as many replicas as there are: an order is taken by one of them at a time.
//! A letter that was sent is sent no more; one that could not be is tried again, ever more rarely.

use std::sync::Arc;

use super::letters::{self, Prepared};
use crate::domain::clock::Timestamp;
use crate::domain::mail_order::{MailOrder, MailStatus, SENDING_TIME, back_off};
use crate::flows::{Context, Failure};
use crate::mail::SendError;
use crate::storage::StorageError;

/// Orders taken at a time, and sent side by side.
const BATCH: i64 = 8;

/// Sends what is due, and says how many letters went out.
pub async fn send_due(context: &Arc<Context>) -> Result<usize, Failure> {
    if !context.mailer.can_send() {
        return Ok(0);
    }
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
        for orders in by_address(taken) {
            let context = Arc::clone(context);
            sending.spawn(async move {
                let mut sent = 0;
                for order in orders {
                    sent += usize::from(send(&context, order).await?);
                }
                Ok::<_, Failure>(sent)
            });
        }
        while let Some(outcome) = sending.join_next().await {
            let outcome = outcome.map_err(|error| Failure::Internal(error.to_string()))?;
            sent += outcome?;
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

/// Whether the letter went out.
async fn send(context: &Context, order: MailOrder) -> Result<bool, Failure> {
    let outcome = match letters::prepare(context, &order).await {
        Ok(Prepared::Mail(mail)) => context.mailer.send(*mail).await.map(|()| true),
        Ok(Prepared::Needless) => Ok(false),
        Ok(Prepared::Deferred(until)) => {
            return defer(context, &order, until).await.map(|()| false);
        }
        // One letter that cannot be written keeps no other from being sent.
        Err(failure) => Err(SendError::Unavailable(failure.to_string())),
    };
    match outcome {
        Ok(sent) => {
            let id = order.id;
            let done = context.db.write::<_, StorageError>(order.tenant_id, move |tx| {
                tx.mail_orders().delete(id).map(drop)
            });
            done.await?;
            Ok(sent)
        }
        Err(error) => fail(context, &order, &error).await.map(|()| false),
    }
}

/// To be taken up again when its turn has come.
async fn defer(context: &Context, order: &MailOrder, until: Timestamp) -> Result<(), Failure> {
    let id = order.id;
    let deferred = context.db.write::<_, StorageError>(order.tenant_id, move |tx| {
        tx.mail_orders().defer(id, until).map(drop)
    });
    Ok(deferred.await?)
}

/// To be tried again, or given up.
async fn fail(context: &Context, order: &MailOrder, error: &SendError) -> Result<(), Failure> {
    let (id, next) = (order.id, context.now() + back_off(order.tries));
    let is_over = next >= order.created_at + order.letter.life();
    let status = match error {
        SendError::Refused(_) => MailStatus::Dead,
        SendError::Unavailable(_) if is_over => MailStatus::Dead,
        SendError::Unavailable(_) => MailStatus::Waiting,
    };
    tracing::warn!(mail = %id, %error, status = status.as_str(), "a letter could not be sent");
    // A server's answer may repeat the address; it is for the admins of the tenant alone.
    let why: String = error.to_string().chars().take(500).collect();
    let failed = context.db.write::<_, StorageError>(order.tenant_id, move |tx| {
        tx.mail_orders().fail(id, status, next, &why).map(drop)
    });
    Ok(failed.await?)
}
