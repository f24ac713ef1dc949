//! Sessions of the hosted pages.

use super::sign_in::Proof;
use crate::domain::activity::Kind;
use crate::domain::audit::Action;
use crate::domain::clock::Timestamp;
use crate::domain::ids::SessionId;
use crate::domain::session::{SEEN_RESOLUTION, Session, SessionKind};
use crate::domain::user::{Profile, UserStatus};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{Device, StorageError};

/// Who uses a browser.
#[derive(Clone, Debug)]
pub struct SignedInBrowser {
    pub session: Session,
    pub profile: Profile,
}

/// The session of that id, if the browser may still go by it and its user may sign in.
pub async fn find(
    context: &Context,
    tenant: &TenantSnapshot,
    id: SessionId,
) -> Result<Option<SignedInBrowser>, Failure> {
    let now = context.now();
    let found = context
        .db
        .read::<_, StorageError>(tenant.tenant.id, move |tx| {
            let session =
                tx.sessions().find(id)?.filter(|session| session.is_good_for_browser(now));
            let Some(session) = session else { return Ok(None) };
            let profile = tx.users().profile(session.user_id)?;
            let profile = profile.filter(|profile| profile.user.status == UserStatus::Active);
            Ok(profile.map(|profile| SignedInBrowser { session, profile }))
        })
        .await?;
    if let Some(browser) = &found
        && now.since(browser.session.last_seen_at) >= SEEN_RESOLUTION
    {
        let seen = context
            .db
            .write::<_, StorageError>(tenant.tenant.id, move |tx| tx.sessions().touch(id, now));
        seen.await?;
    }
    Ok(found)
}

/// Begins a session for a user who has just proved who they are, or renews the one that their browser has:
/// signing in again must not end the sign-ins of other apps that hang on it. `None` if what the proof rests on is
/// gone meanwhile.
pub async fn begin(
    context: &Context,
    tenant: &TenantSnapshot,
    proof: Proof,
    current: Option<SessionId>,
    device: Device,
) -> Result<Option<SessionId>, Failure> {
    let now = context.now();
    let user_id = proof.user.id;
    let session = new(context, &proof, SessionKind::Browser, now);
    context.activity.count(tenant.tenant.id, Kind::SignIn, now);
    let event = context.event(Action::SignedIn, user_id, session.id, device.address.as_deref());
    let begun = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        if !proof.holds(tx)? {
            return Ok(None);
        }
        let renewed = match current {
            Some(id) => {
                tx.sessions().reauthenticate(id, user_id, &session.methods, now)?.then_some(id)
            }
            None => None,
        };
        let id = match renewed {
            Some(id) => id,
            None => {
                tx.sessions().insert(&session, &device)?;
                session.id
            }
        };
        proof.charged.give_back(tx, now)?;
        let mut event = event;
        event.target = id.to_string();
        tx.audit_events().append(&event)?;
        Ok(Some(id))
    });
    Ok(begun.await?)
}

/// A session that begins now, for a user who has just proved who they are.
pub(super) fn new(context: &Context, proof: &Proof, kind: SessionKind, now: Timestamp) -> Session {
    Session {
        id: SessionId::generate(now, &*context.entropy),
        user_id: proof.user.id,
        kind,
        authenticated_at: now,
        methods: proof.methods.clone(),
        created_at: now,
        last_seen_at: now,
        ended_at: None,
    }
}
