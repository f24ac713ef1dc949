//! `grant_type=refresh_token` (RFC 6749 §6, RFC 9700 §4.14): rotation that never logs out an honest user
//! and always catches a thief. The same algorithm serves `/v1/auth/refresh`.

use super::{must_act_for_users, requested_resource};
use crate::crypto::refresh_token::TokenOwner;
use crate::domain::application::ClientAuthentication;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::ids::FamilyId;
use crate::domain::parameters::Parameters;
use crate::domain::refresh_family::{Generation, RefreshFamily, RevocationReason, Verdict};
use crate::domain::scope::Scopes;
use crate::flows::oauth::client::Client;
use crate::flows::oauth::error::{ErrorCode, OAuthError, Refusal};
use crate::flows::oauth::issue::{self, Asked, SignedIn, TokenAnswer};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{Rotation, StorageError, TenantTx};

pub(super) async fn exchange(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    parameters: &Parameters,
    address: Option<&str>,
) -> Result<TokenAnswer, Refusal> {
    must_act_for_users(client)?;
    let resource = requested_resource(tenant, client, parameters)?;
    let token = parameters
        .get("refresh_token")
        .ok_or(OAuthError::invalid_request("refresh_token is missing"))?;
    let signed_in =
        refresh(context, tenant, client, token, address).await?.ok_or(invalid_grant())?;
    let scopes = narrowed_scopes(&signed_in, parameters)?;
    let asked = Asked { scopes: scopes.as_ref(), resource };
    Ok(issue::token_answer(context, tenant, &client.application, &signed_in, asked, None)?)
}

/// One answer for every reason.
pub fn invalid_grant() -> OAuthError {
    OAuthError::invalid_grant(
        "the refresh token is unknown, expired, revoked or of another client: sign in again",
    )
}

/// RFC 6749 §6: `scope` may ask for less than was granted, for this answer alone.
fn narrowed_scopes(
    signed_in: &SignedIn,
    parameters: &Parameters,
) -> Result<Option<Scopes>, OAuthError> {
    let Some(text) = parameters.get("scope") else { return Ok(None) };
    let asked = Scopes::parse(text);
    if !signed_in.family.grant.scopes.contains_all(&asked) {
        return Err(OAuthError::new(
            ErrorCode::InvalidScope,
            "scope asks for more than was granted",
        ));
    }
    Ok(Some(asked))
}

/// Presents a refresh token. `None`: it is good for nothing, and if it was a stolen one, its family is dead now.
pub async fn refresh(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    token: &str,
    address: Option<&str>,
) -> Result<Option<SignedIn>, Failure> {
    let owner = TokenOwner { tenant: tenant.tenant.id, application: client.application.id };
    // The MAC first: what we did not issue never reaches the database.
    let Some((family, generation)) = context.refresh_tokens.check(owner, token) else {
        return Ok(None);
    };
    let presented = Presented {
        family,
        generation,
        client: client.clone(),
        now: context.now(),
        reuse: context.event(Action::RefreshReuseDetected, client.application.id, family, address),
        caught_up: context.event(Action::RefreshCaughtUp, client.application.id, family, address),
    };
    let signed_in =
        context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| presented.rotate(tx));
    Ok(signed_in.await?)
}

/// A token with a true MAC, and the events that may come of it.
struct Presented {
    family: FamilyId,
    generation: Generation,
    client: Client,
    now: Timestamp,
    reuse: AuditEvent,
    caught_up: AuditEvent,
}

impl Presented {
    fn rotate(self, tx: &mut TenantTx<'_>) -> Result<Option<SignedIn>, StorageError> {
        let Some(family) = self.successor(tx)? else { return Ok(None) };
        let profile = tx.users().profile(family.grant.user_id)?;
        let session = tx.sessions().find(family.grant.session_id)?;
        Ok(profile.zip(session).map(|(profile, session)| SignedIn {
            family,
            profile,
            methods: session.methods,
        }))
    }

    /// The family at the generation to answer with.
    fn successor(&self, tx: &mut TenantTx<'_>) -> Result<Option<RefreshFamily>, StorageError> {
        let window = self.client.application.tokens.reuse_window(self.client.authentication);
        loop {
            let Some(family) = tx.refresh_families().find_usable(self.family)? else {
                return Ok(None);
            };
            if !self.may_use(&family) {
                return Ok(None);
            }
            let moved = match family.judge(self.generation, window, self.now) {
                Verdict::Dead => return Ok(None),
                Verdict::AnswerSuccessor => return Ok(Some(family)),
                Verdict::Reuse => {
                    if tx.refresh_families().revoke(
                        family.id,
                        RevocationReason::ReuseDetected,
                        self.now,
                    )? {
                        tx.audit_events().append(&self.reuse)?;
                    }
                    return Ok(None);
                }
                Verdict::Rotate => self.step(tx, &family)?,
                Verdict::CatchUp => {
                    let moved = self.step(tx, &family)?;
                    if moved.is_some() {
                        tx.audit_events().append(&self.caught_up)?;
                    }
                    moved
                }
            };
            // None moved: another replica rotated since we looked. Look again; each round another
            // request has won, so this ends.
            if moved.is_some() {
                return Ok(moved);
            }
        }
    }

    /// What was issued to a client that proved itself is of no use to one that does not.
    fn may_use(&self, family: &RefreshFamily) -> bool {
        match (family.client, self.client.authentication) {
            (ClientAuthentication::Authenticated, ClientAuthentication::Unauthenticated) => false,
            (ClientAuthentication::Authenticated, ClientAuthentication::Authenticated)
            | (ClientAuthentication::Unauthenticated, _) => true,
        }
    }

    fn step(
        &self,
        tx: &mut TenantTx<'_>,
        family: &RefreshFamily,
    ) -> Result<Option<RefreshFamily>, StorageError> {
        let rotation = Rotation {
            from: family.generation,
            to: self.generation.saturating_add(1),
            now: self.now,
            idle_expires_at: self.now + self.client.application.tokens.refresh_idle_life,
        };
        tx.refresh_families().rotate(family.id, rotation)
    }
}
