//! What a browser may do by its session. The page looks whether the session stands when the request comes in; what
//! it asks for comes later, after a hash or in a queue, and a recovery may have ended the session meanwhile. So the
//! transaction that does it looks again.

use super::session::SignedInBrowser;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::session::Session;
use crate::domain::user::UserStatus;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{StorageError, TenantTx};

/// What is asked of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Any,
    /// Its user proved only just now who they are.
    Fresh,
}

/// The right that a session gives.
#[derive(Clone, Copy, Debug)]
pub struct Authority {
    session: SessionId,
    user: UserId,
    freshness: Freshness,
    now: Timestamp,
}

/// What came of something that a session was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted<T = ()> {
    Done(T),
    /// The session has ended meanwhile, or is not fresh any more: nothing was done.
    SignedOut,
}

impl Authority {
    pub fn of(session: &Session, freshness: Freshness, now: Timestamp) -> Self {
        Self { session: session.id, user: session.user_id, freshness, now }
    }

    /// Whether it may still be used, in the transaction that uses it.
    pub fn stands(&self, tx: &mut TenantTx<'_>) -> Result<bool, StorageError> {
        // A recovery waits until all is done, and then undoes what it must; or it was before, and shows here.
        tx.users().lock(self.user)?;
        if tx.users().find(self.user)?.is_none_or(|user| user.status != UserStatus::Active) {
            return Ok(false);
        }
        let session = tx.sessions().find(self.session)?;
        Ok(session.is_some_and(|session| {
            session.user_id == self.user
                && session.is_good_for_browser(self.now)
                && match self.freshness {
                    Freshness::Any => true,
                    Freshness::Fresh => session.is_fresh(self.now),
                }
        }))
    }
}

impl SignedInBrowser {
    pub fn authority(&self, freshness: Freshness, now: Timestamp) -> Authority {
        Authority::of(&self.session, freshness, now)
    }

    /// Does something by the session, if it still stands.
    pub(super) async fn act<T: Send + 'static>(
        &self,
        context: &Context,
        tenant: &TenantSnapshot,
        freshness: Freshness,
        work: impl FnOnce(&mut TenantTx<'_>) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<Acted<T>, Failure> {
        let authority = self.authority(freshness, context.now());
        let acted = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
            if authority.stands(tx)? { work(tx).map(Acted::Done) } else { Ok(Acted::SignedOut) }
        });
        Ok(acted.await?)
    }
}
