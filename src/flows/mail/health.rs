//! Whether letters go out at the moment, as far as this process knows, for pages that send people to their mail.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::clock::Timestamp;

/// A failure is news for this long: by then the letter has been tried again.
const NEWS: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
pub struct MailHealth(Mutex<Option<Timestamp>>);

impl MailHealth {
    /// The mail server took a letter, or refused that one letter.
    pub fn works(&self) {
        *self.failed_at() = None;
    }

    /// A letter could not be sent and waits.
    pub fn fails(&self, at: Timestamp) {
        *self.failed_at() = Some(at);
    }

    pub fn is_failing(&self, now: Timestamp) -> bool {
        self.failed_at().is_some_and(|failed_at| now < failed_at + NEWS)
    }

    fn failed_at(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
