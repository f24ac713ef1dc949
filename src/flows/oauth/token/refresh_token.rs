//! `grant_type=refresh_token` (RFC 6749 §6, RFC 9700 §4.14): rotation that never logs out an honest user
//! and always catches a thief. The same algorithm serves `/v1/auth/refresh`.

use super::{must_act_for_users, requested_resource};
use crate::crypto::refresh_token::TokenOwner;
use crate::domain::activity::Kind;
use crate::domain::application::ClientAuthentication;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::ids::FamilyId;
use crate::domain::parameters::Parameters;
use crate::domain::refresh_family::{Generation, RefreshFamily, RevocationReason, Verdict};
use crate::domain::scope::Scopes;
use crate::domain::user::Profile;
use crate::flows::oauth::client::Client;
use crate::flows::oauth::error::{ErrorCode, OAuthError, Refusal};
use crate::flows::oauth::issue::{self, Asked, SignedIn, TokenAnswer};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{Rotation, StorageError, TenantTx, UsableFamily};

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
    let scopes = parameters.get("scope").map(Scopes::parse);
    let presented = PresentedToken { token, scopes: scopes.as_ref(), address };
    let signed_in = match refresh(context, tenant, client, presented).await? {
        Refreshed::SignedIn(signed_in) => signed_in,
        Refreshed::Refused => return Err(invalid_grant().into()),
        Refreshed::TooWide => {
            let error =
                OAuthError::new(ErrorCode::InvalidScope, "scope asks for more than was granted");
            return Err(error.into());
        }
    };
    let asked = Asked { scopes: scopes.as_ref(), resource };
    Ok(issue::token_answer(context, tenant, &client.application, &signed_in, asked, None)?)
}

/// One answer for every reason.
pub fn invalid_grant() -> OAuthError {
    OAuthError::invalid_grant(
        "the refresh token is unknown, expired, revoked or of another client: sign in again",
    )
}

/// A refresh token as a client brings it.
pub struct PresentedToken<'a> {
    pub token: &'a str,
    /// RFC 6749 §6: less than was granted, for this answer alone; `None` for all of it.
    pub scopes: Option<&'a Scopes>,
    pub address: Option<&'a str>,
}

/// What came of a refresh token.
#[expect(clippy::large_enum_variant, reason = "made once a request and taken apart at once")]
pub enum Refreshed {
    SignedIn(SignedIn),
    /// The token is good for nothing, and if it was a stolen one, its family is dead now.
    Refused,
    /// The token is good and stays so, unspent: more was asked than granted.
    TooWide,
}

pub async fn refresh(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    presented: PresentedToken<'_>,
) -> Result<Refreshed, Failure> {
    let PresentedToken { token, scopes, address } = presented;
    let owner = TokenOwner { tenant: tenant.tenant.id, application: client.application.id };
    // The MAC first: what we did not issue never reaches the database.
    let Some((family, generation)) = context.refresh_tokens.check(owner, token) else {
        context.metrics.refresh_judged(None);
        return Ok(Refreshed::Refused);
    };
    let attempt = Attempt {
        family,
        generation,
        client: client.clone(),
        scopes: scopes.cloned(),
        now: context.now(),
        reuse: context.event(Action::RefreshReuseDetected, client.application.id, family, address),
        caught_up: context.event(Action::RefreshCaughtUp, client.application.id, family, address),
    };
    let judged =
        context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| attempt.rotate(tx));
    let Judged(verdict, refreshed) = judged.await?;
    context.metrics.refresh_judged(verdict);
    if let Refreshed::SignedIn(_) = refreshed {
        context.activity.count(tenant.tenant.id, Kind::Refresh, context.now());
    }
    Ok(refreshed)
}

/// A token with a true MAC, and the events that may come of it.
struct Attempt {
    family: FamilyId,
    generation: Generation,
    client: Client,
    scopes: Option<Scopes>,
    now: Timestamp,
    reuse: AuditEvent,
    caught_up: AuditEvent,
}

/// The verdict, where there was a family to judge by, and what came of it.
struct Judged(Option<Verdict>, Refreshed);

impl Attempt {
    fn rotate(self, tx: &mut TenantTx<'_>) -> Result<Judged, StorageError> {
        let window = self.client.application.tokens.reuse_window(self.client.authentication);
        loop {
            let Some(mut usable) = tx.refresh_families().find_usable(self.family)? else {
                return Ok(Judged(None, Refreshed::Refused));
            };
            if !self.may_use(&usable.family) {
                return Ok(Judged(None, Refreshed::Refused));
            }
            let verdict = usable.family.judge(self.generation, window, self.now);
            let refused = Judged(Some(verdict), Refreshed::Refused);
            match verdict {
                Verdict::Dead => return Ok(refused),
                Verdict::Reuse => {
                    self.revoke(tx, &usable.family)?;
                    return Ok(refused);
                }
                Verdict::AnswerSuccessor | Verdict::Rotate | Verdict::CatchUp
                    if self.asks_too_much(&usable.family) =>
                {
                    return Ok(Judged(None, Refreshed::TooWide));
                }
                Verdict::AnswerSuccessor => {
                    return Ok(Judged(Some(verdict), signed_in(tx, usable)?));
                }
                Verdict::Rotate | Verdict::CatchUp => {}
            }
            // Where none moved, another replica rotated since we looked. Look again; each round another
            // request has won, so this ends.
            if self.step(tx, &mut usable.family)? {
                if verdict == Verdict::CatchUp {
                    let event = self.caught_up.about_family(&usable.family, "caught up");
                    tx.audit_events().append(&event)?;
                }
                return Ok(Judged(Some(verdict), signed_in(tx, usable)?));
            }
        }
    }

    fn revoke(&self, tx: &mut TenantTx<'_>, family: &RefreshFamily) -> Result<(), StorageError> {
        let reason = RevocationReason::ReuseDetected;
        if tx.refresh_families().revoke(family.id, reason, self.now)? {
            tx.audit_events().append(&self.reuse.clone().about_family(family, "revoked"))?;
        }
        Ok(())
    }

    fn asks_too_much(&self, family: &RefreshFamily) -> bool {
        self.scopes.as_ref().is_some_and(|asked| !family.grant.scopes.contains_all(asked))
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
        family: &mut RefreshFamily,
    ) -> Result<bool, StorageError> {
        let rotation = Rotation {
            from: family.generation,
            to: self.generation.saturating_add(1),
            now: self.now,
            idle_expires_at: self.now + self.client.application.tokens.refresh_idle_life,
        };
        let moved = tx.refresh_families().rotate(family.id, rotation)?;
        family.generation = rotation.to;
        family.rotated_at = rotation.now;
        family.idle_expires_at = rotation.idle_expires_at;
        Ok(moved)
    }
}

/// With the roles of now, so that one taken away is gone from the next token.
fn signed_in(tx: &mut TenantTx<'_>, usable: UsableFamily) -> Result<Refreshed, StorageError> {
    let UsableFamily { family, user, methods } = usable;
    let roles = tx.users().roles(user.id)?;
    Ok(Refreshed::SignedIn(SignedIn { family, profile: Profile { user, roles }, methods }))
}
