//! `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.6).

use super::{must_act_for_users, requested_resource};
use crate::crypto::digest;
use crate::domain::application::{Application, ClientAuthentication};
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::authorization_code::{AuthorizationCode, CodeState, Grant};
use crate::domain::clock::Timestamp;
use crate::domain::ids::FamilyId;
use crate::domain::parameters::Parameters;
use crate::domain::pkce::{CodeChallenge, CodeVerifier};
use crate::domain::refresh_family::{FamilyState, RefreshFamily, RevocationReason};
use crate::domain::secret::{Secret, SecretDigest};
use crate::domain::user::UserStatus;
use crate::flows::oauth::client::Client;
use crate::flows::oauth::error::{OAuthError, Refusal};
use crate::flows::oauth::issue::{self, Asked, SignedIn, TokenAnswer};
use crate::flows::{Context, TenantSnapshot};
use crate::storage::{StorageError, TenantTx};

/// A code that was good. One that was not is `None`: also what was then refused is committed.
struct Redeemed {
    signed_in: SignedIn,
    nonce: Option<String>,
}

pub(super) async fn exchange(
    context: &Context,
    tenant: &TenantSnapshot,
    client: &Client,
    parameters: &Parameters,
    address: Option<&str>,
) -> Result<TokenAnswer, Refusal> {
    must_act_for_users(client)?;
    let resource = requested_resource(tenant, client, parameters)?;
    let code = parameters.get("code").ok_or(OAuthError::invalid_request("code is missing"))?;
    let redirect_uri = parameters.get("redirect_uri").ok_or(OAuthError::invalid_request(
        "redirect_uri is missing: repeat the one of the authorization request",
    ))?;
    let verifier = parameters
        .get("code_verifier")
        .map(|text| {
            CodeVerifier::parse(text).ok_or(OAuthError::invalid_request(
                "code_verifier is 43 to 128 unreserved characters (RFC 7636 §4.1)",
            ))
        })
        .transpose()?;
    let presented = PresentedCode {
        digest: digest::digest(&Secret::new(code.to_owned())),
        redirect_uri: redirect_uri.to_owned(),
        challenge: verifier.map(|verifier| digest::sha256_base64url(verifier.as_str().as_bytes())),
    };
    let now = context.now();
    let family_id = FamilyId::generate(now, &*context.entropy);
    let replayed = context.event(Action::CodeReplayed, client.application.id, family_id, address);
    let owner = client.clone();
    let outcome = context
        .db
        .write::<_, StorageError>(tenant.tenant.id, move |tx| {
            redeem(tx, &owner, &presented, family_id, replayed, now)
        })
        .await?;
    match outcome {
        Some(Redeemed { signed_in, nonce }) => {
            let asked = Asked { scopes: None, resource };
            Ok(issue::token_answer(context, tenant, &client.application, &signed_in, asked, nonce)?)
        }
        None => Err(OAuthError::invalid_grant(
            "the code is unknown, expired, spent, or was issued for another client, redirect_uri or code_verifier",
        )
        .into()),
    }
}

struct PresentedCode {
    digest: SecretDigest,
    redirect_uri: String,
    /// What the verifier makes as a challenge.
    challenge: Option<String>,
}

fn redeem(
    tx: &mut TenantTx<'_>,
    client: &Client,
    presented: &PresentedCode,
    family_id: FamilyId,
    replayed: AuditEvent,
    now: Timestamp,
) -> Result<Option<Redeemed>, StorageError> {
    let Some(code) = tx.authorization_codes().find(&presented.digest)? else {
        return Ok(None);
    };
    // Another client's guess neither spends the code nor counts as its replay.
    if code.grant.application_id != client.application.id {
        return Ok(None);
    }
    if let CodeState::Spent { family_id } = code.state {
        return replay(tx, family_id, replayed, now);
    }
    if now >= code.expires_at || !is_bound_to(&code, presented) {
        return Ok(None);
    }
    let profile = tx.users().profile(code.grant.user_id)?;
    let session = tx.sessions().find(code.grant.session_id)?;
    let (Some(profile), Some(session)) = (profile, session) else { return Ok(None) };
    if profile.user.status != UserStatus::Active || session.ended_at.is_some() {
        return Ok(None);
    }
    let family = new_family(family_id, code.grant, &client.application, client.authentication, now);
    tx.refresh_families().insert(&family)?;
    if !tx.authorization_codes().spend(&presented.digest, family_id)? {
        // Another exchange of the same code was faster: both are dead.
        tx.refresh_families().revoke(family_id, RevocationReason::CodeReplayed, now)?;
        let winner = tx.authorization_codes().find(&presented.digest)?.map(|code| code.state);
        return match winner {
            Some(CodeState::Spent { family_id }) => replay(tx, family_id, replayed, now),
            Some(CodeState::Fresh) | None => Ok(None),
        };
    }
    let signed_in = SignedIn { family, profile, methods: session.methods };
    Ok(Some(Redeemed { signed_in, nonce: code.nonce }))
}

/// RFC 6749 §4.1.2: a code used twice takes along what it issued.
fn replay(
    tx: &mut TenantTx<'_>,
    id: FamilyId,
    event: AuditEvent,
    now: Timestamp,
) -> Result<Option<Redeemed>, StorageError> {
    tx.refresh_families().revoke(id, RevocationReason::CodeReplayed, now)?;
    let event = match tx.refresh_families().find(id)? {
        Some(family) => event.about_family(&family, "revoked"),
        None => AuditEvent { target: id.to_string(), ..event },
    };
    tx.audit_events().append(&event)?;
    Ok(None)
}

fn is_bound_to(code: &AuthorizationCode, presented: &PresentedCode) -> bool {
    let challenge = code.code_challenge.as_ref().map(CodeChallenge::as_str);
    let pkce_holds = match (challenge, presented.challenge.as_deref()) {
        (Some(expected), Some(actual)) => digest::equal(expected.as_bytes(), actual.as_bytes()),
        // RFC 9700 §2.1.1: a verifier without a challenge is a downgrade attack.
        (None, Some(_)) | (Some(_), None) => false,
        (None, None) => true,
    };
    pkce_holds && code.redirect_uri == presented.redirect_uri
}

/// The first generation of a family.
pub(in crate::flows) fn new_family(
    id: FamilyId,
    grant: Grant,
    application: &Application,
    client: ClientAuthentication,
    now: Timestamp,
) -> RefreshFamily {
    RefreshFamily {
        id,
        grant,
        generation: 1,
        rotated_at: now,
        client,
        idle_expires_at: now + application.tokens.refresh_idle_life,
        expires_at: now + application.tokens.refresh_absolute_life,
        state: FamilyState::Live,
    }
}
