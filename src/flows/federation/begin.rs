//! On the way to a provider: what its answer will be held against is kept on our side, under the digest of the
//! state (RFC 6749 §10.12, RFC 7636, OpenID Connect Core §3.1.2.1).

use url::Url;

use super::{Recorder, Refusal, Visitor, record_refusal, redirect_uri};
use crate::crypto::digest;
use crate::crypto::seal::SealContext;
use crate::domain::after_sign_in::AfterSignIn;
use crate::domain::entropy::random_secret;
use crate::domain::ids::RequestId;
use crate::domain::parameters::Parameters;
use crate::domain::provider::Provider;
use crate::domain::upstream_sign_in::{Purpose, UPSTREAM_SIGN_IN_LIFE, UpstreamSignIn};
use crate::flows::oauth::authorize;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::StorageError;
use crate::upstream::{Ask, Presence};

pub struct Departure<'a> {
    pub purpose: Purpose,
    pub login_hint: Option<&'a str>,
    pub presence: Presence,
}

#[derive(Debug)]
pub enum Begun {
    /// The provider's page.
    AtProvider(Url),
    /// The authorization request has been answered, or is another browser's.
    RequestGone,
    Refused(Refusal),
}

pub async fn begin(
    context: &Context,
    tenant: &TenantSnapshot,
    provider: &Provider,
    departure: Departure<'_>,
    visitor: &Visitor<'_>,
) -> Result<Begun, Failure> {
    let now = context.now();
    // Whoever signs in although the browser is signed in proves that it is they, or is somebody else.
    let mut presence = match visitor.session {
        Some(_) => Presence::Renewed,
        None => departure.presence,
    };
    if let Purpose::SignIn { then: AfterSignIn::Request(request) } = departure.purpose {
        match asked_presence(context, tenant, request, visitor.browser).await? {
            None => return Ok(Begun::RequestGone),
            Some(Presence::Renewed) => presence = Presence::Renewed,
            Some(Presence::AnySession) => {}
        }
    }
    let (state, nonce, code_verifier) = (
        random_secret(&*context.entropy),
        random_secret(&*context.entropy),
        random_secret(&*context.entropy),
    );
    let ask = Ask {
        redirect_uri: &redirect_uri(&tenant.issuer, &provider.key),
        state: state.expose(),
        nonce: nonce.expose(),
        code_verifier: &code_verifier,
        login_hint: departure.login_hint,
        presence,
    };
    let page = match context.upstreams.page(tenant.tenant.id, provider, &ask, now).await {
        Ok(page) => page,
        Err(error) => {
            let why = Refusal::Upstream(error);
            let recorder = Recorder::new(context, &visitor.device);
            record_refusal(context, tenant, &recorder, &provider.key, &why).await?;
            return Ok(Begun::Refused(why));
        }
    };
    let state = digest::digest(&state);
    let seal = verifier_seal(tenant, state.as_str());
    let verifier = code_verifier.expose().as_bytes();
    let sign_in = UpstreamSignIn {
        provider_id: provider.id,
        nonce: nonce.expose().to_owned(),
        sealed_code_verifier: context.sealer.seal(&*context.entropy, seal, verifier),
        purpose: departure.purpose,
        signed_in_since: (presence == Presence::Renewed).then_some(now),
        expires_at: now + UPSTREAM_SIGN_IN_LIFE,
    };
    let browser = visitor.browser.to_owned();
    let kept = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        tx.upstream_sign_ins().insert(&state, &browser, &sign_in)
    });
    kept.await?;
    Ok(Begun::AtProvider(page))
}

pub(super) fn verifier_seal<'a>(tenant: &TenantSnapshot, state: &'a str) -> SealContext<'a> {
    SealContext { tenant: tenant.tenant.id, table: "upstream_sign_ins", row: state }
}

/// What the app's `prompt` means for the provider; `None` if this browser has no such request.
async fn asked_presence(
    context: &Context,
    tenant: &TenantSnapshot,
    request: RequestId,
    browser: &str,
) -> Result<Option<Presence>, Failure> {
    let pending = authorize::pending(context, tenant, request, browser.to_owned()).await?;
    let Some(pending) = pending else { return Ok(None) };
    let parameters = Parameters::parse(pending.query.as_bytes())
        .map_err(|why| Failure::Internal(why.to_string()))?;
    let prompt = parameters.get("prompt").unwrap_or_default();
    let asks_again = prompt.split(' ').any(|word| matches!(word, "login" | "select_account"));
    // OpenID Connect Core §3.1.2.1: both want the user, not a session that somebody left open at the provider.
    Ok(Some(match asks_again || parameters.get("max_age").is_some() {
        true => Presence::Renewed,
        false => Presence::AnySession,
    }))
}
