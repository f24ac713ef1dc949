//! Sign-in without pages: the JSON API for frontends of one's own.

use super::session;
use super::sign_in::Proof;
use crate::crypto::refresh_token::{RefreshTokens, TokenOwner};
use crate::domain::activity::Kind;
use crate::domain::audit::Action;
use crate::domain::authorization_code::Grant;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{FamilyId, SessionId};
use crate::domain::refresh_family::RevocationReason;
use crate::domain::scope::Scopes;
use crate::domain::session::SessionKind;
use crate::flows::oauth::client::Client;
use crate::flows::oauth::issue::{self, Asked, SignedIn};
use crate::flows::oauth::token::new_family;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{Device, StorageError, TenantTx};

/// What a frontend gets for a sign-in.
pub struct Tokens {
    pub signed_in: SignedIn,
    pub access_token: String,
    pub refresh_token: String,
}

/// Begins a session and a refresh family for a user who has just proved who they are.
/// `None` if what the proof rests on is gone meanwhile.
pub async fn begin(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    proof: Proof,
    device: Device,
) -> Result<Option<SignedIn>, Failure> {
    let now = context.now();
    let session = session::new(context, &proof, SessionKind::Direct, now);
    let user_id = proof.user.id;
    context.activity.count(tenant.tenant.id, Kind::SignIn, now);
    let event = context.event(Action::SignedIn, user_id, session.id, device.address.as_deref());
    let grant = Grant {
        application_id: client.application.id,
        user_id,
        session_id: session.id,
        // No ID token comes of this, but userinfo may be asked.
        scopes: Scopes::for_any_application(),
        resource: None,
        authenticated_at: now,
    };
    let family_id = FamilyId::generate(now, &*context.entropy);
    let family = new_family(family_id, grant, &client.application, client.authentication, now);
    let begun = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        if !proof.holds(tx)? {
            return Ok(None);
        }
        let Some(profile) = tx.users().profile(user_id)? else { return Ok(None) };
        proof.charged.give_back(tx, now)?;
        tx.sessions().insert(&session, &device)?;
        tx.refresh_families().insert(&family)?;
        tx.audit_events().append(&event)?;
        Ok(Some(SignedIn { family, profile, methods: session.methods }))
    });
    Ok(begun.await?)
}

/// The access and the refresh token of a sign-in.
pub fn tokens(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    signed_in: SignedIn,
) -> Result<Tokens, Failure> {
    let application = &client.application;
    let asked = Asked::default();
    let access_token =
        issue::user_access_token(context, tenant, application, &signed_in, asked, context.now())?;
    let refresh_token = issue::refresh_token(context, tenant, &signed_in.family);
    Ok(Tokens { signed_in, access_token, refresh_token })
}

/// Gives a refresh token back: its family dies and, where it was the JSON API that began the session,
/// the session with it. Whatever else is presented changes nothing.
pub async fn end(
    context: &Context,
    tenant: &TenantSnapshot,
    token: &str,
    address: Option<&str>,
) -> Result<(), Failure> {
    let Some(claimed) = RefreshTokens::claimed_family(token) else { return Ok(()) };
    let tenant_id = tenant.tenant.id;
    let found = context
        .db
        .read::<_, StorageError>(tenant_id, move |tx| tx.refresh_families().find(claimed))
        .await?;
    // The family says whose it is; the MAC then says whether the token is.
    let owner = found
        .map(|family| TokenOwner { tenant: tenant_id, application: family.grant.application_id });
    let Some((family_id, _)) = owner.and_then(|owner| context.refresh_tokens.check(owner, token))
    else {
        return Ok(());
    };
    let now = context.now();
    let event = context.event(Action::SignedOut, "anonymous", family_id, address);
    let ended = context.db.write::<_, StorageError>(tenant_id, move |tx| {
        let Some(family) = tx.refresh_families().find(family_id)? else { return Ok(()) };
        if tx.refresh_families().revoke(family_id, RevocationReason::SignedOut, now)? {
            end_direct_session(tx, family.grant.session_id, now)?;
            let mut event = event;
            event.actor = family.grant.user_id.to_string();
            tx.audit_events().append(&event)?;
        }
        Ok(())
    });
    Ok(ended.await?)
}

fn end_direct_session(
    tx: &mut TenantTx<'_>,
    id: SessionId,
    now: Timestamp,
) -> Result<(), StorageError> {
    let session = tx.sessions().find(id)?;
    if session.is_some_and(|session| session.kind == SessionKind::Direct) {
        tx.sessions().end(id, now)?;
    }
    Ok(())
}
