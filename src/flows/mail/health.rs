//! Whether letters go out at the moment, as far as this process knows, for pages that send people to their mail.
//! The mail server is asked that for itself, whoever letters are for. What comes of a letter says nothing here: it
//! would tell everybody whether there is somebody whom it is for, and what one mailbox answers is no news of others.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::clock::Timestamp;
use crate::flows::Context;

/// What was found out holds for so long.
const NEWS: Duration = Duration::from_secs(30);

#[derive(Default)]
pub struct MailHealth(Mutex<Found>);

#[derive(Default)]
struct Found {
    is_failing: bool,
    looked_at: Option<Timestamp>,
}

impl MailHealth {
    pub fn is_failing(&self) -> bool {
        self.found().is_failing
    }

    /// Whether it is time to look again; of many who ask at once, one is to.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut found = self.found();
        let is_due = found.looked_at.is_none_or(|at| now >= at + NEWS);
        if is_due {
            found.looked_at = Some(now);
        }
        is_due
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the mail server for a connection, unless that was done a moment ago.
pub async fn look(context: &Context) {
    let health = &context.mail_health;
    if !context.mailer.can_send() || !health.is_due(context.now()) {
        return;
    }
    let answer = context.mailer.check().await;
    if let Err(error) = &answer {
        tracing::warn!(error, "mail is delayed");
    }
    health.found().is_failing = answer.is_err();
}

/// Notices a server that is back, though nobody orders a letter.
pub async fn look_if_failing(context: &Context) {
    if context.mail_health.is_failing() {
        look(context).await;
    }
}
