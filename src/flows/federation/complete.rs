//! Back from a provider: the state is spent, the provider asked who the user is, and its word settled.

use super::begin::verifier_seal;
use super::settle::{Settled, Visit};
use super::{Recorder, Refusal, Visitor, open_secret, record_refusal, redirect_uri, tokens};
use crate::crypto::digest;
use crate::domain::activity::Kind;
use crate::domain::after_sign_in::AfterSignIn;
use crate::domain::identity::Assertion;
use crate::domain::ids::{LinkOfferId, SessionId, UserId};
use crate::domain::provider::Provider;
use crate::domain::secret::Secret;
use crate::domain::session::Method;
use crate::domain::upstream_sign_in::{Purpose, UpstreamSignIn};
use crate::flows::account::session;
use crate::flows::account::sign_in::{Proof, Witness};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{StorageError, StoredProvider};
use crate::upstream::{Answer, Identified, Lie, UpstreamError};

/// RFC 6749 §4.1.2, with RFC 9207.
pub struct Returned<'a> {
    pub state: Option<&'a str>,
    pub code: Option<&'a str>,
    pub error: Option<&'a str>,
    pub issuer: Option<&'a str>,
}

#[derive(Debug)]
pub enum Outcome {
    SignedIn {
        session: SessionId,
        user: UserId,
        then: AfterSignIn,
    },
    /// To the account of whoever is signed in.
    Linked,
    /// The user has an account with this address, and has yet to prove it.
    ProveAccount(LinkOfferId),
    Refused {
        why: Refusal,
        /// `None` if the state is not known.
        purpose: Option<Purpose>,
    },
}

pub async fn complete(
    context: &Context,
    tenant: &TenantSnapshot,
    stored: &StoredProvider,
    returned: Returned<'_>,
    visitor: Visitor<'_>,
) -> Result<Outcome, Failure> {
    let recorder = Recorder::new(context, &visitor.device);
    let provider = &stored.provider;
    let spent = spend(context, tenant, provider, returned.state, visitor.browser).await?;
    let Some((sign_in, state)) = spent else {
        record_refusal(context, tenant, &recorder, &provider.key, &Refusal::Expired).await?;
        return Ok(Outcome::Refused { why: Refusal::Expired, purpose: None });
    };
    let purpose = Some(sign_in.purpose);
    let Identified { assertion, tokens } =
        match ask(context, tenant, stored, &sign_in, &state, &returned).await? {
            Ok(identified) => identified,
            Err(why) => {
                record_refusal(context, tenant, &recorder, &provider.key, &why).await?;
                return Ok(Outcome::Refused { why, purpose });
            }
        };
    let owner = tenant.tenant.id;
    let tokens = tokens::kept(context, owner, provider, &assertion.subject, tokens.as_ref());
    let fresh = UserId::generate(context.now(), &*context.entropy);
    let visit = Visit {
        browser: visitor.browser.to_owned(),
        session: visitor.session.cloned(),
        purpose: sign_in.purpose,
        recorder,
        tokens,
        user_id: fresh,
        offer_id: LinkOfferId::generate(context.now(), &*context.entropy),
    };
    let subject = assertion.subject.clone();
    let settled = settle(context, tenant, provider, visit, assertion).await?;
    // It may have ordered a letter to the owner.
    context.mail_bell.notify_one();
    match settled {
        Settled::SignIn { user, then } => {
            if user.id == fresh {
                context.activity.count(tenant.tenant.id, Kind::SignUp, context.now());
            }
            let id = user.id;
            let witness = Witness::Identity(provider.id, subject);
            let proof = Proof::of(user, Method::Federated(provider.key.clone()), witness);
            let current = visitor.session_id();
            let device = visitor.device;
            Ok(match session::begin(context, tenant, proof, current, device).await? {
                Some(session) => Outcome::SignedIn { session, user: id, then },
                None => Outcome::Refused { why: Refusal::Disabled, purpose },
            })
        }
        Settled::Linked => Ok(Outcome::Linked),
        Settled::Offered(id) => Ok(Outcome::ProveAccount(id)),
        Settled::Refused(why) => Ok(Outcome::Refused { why, purpose }),
    }
}

/// The sign-in that the state belongs to, once.
async fn spend(
    context: &Context,
    tenant: &TenantSnapshot,
    provider: &Provider,
    state: Option<&str>,
    browser: &str,
) -> Result<Option<(UpstreamSignIn, String)>, Failure> {
    let Some(state) = state else { return Ok(None) };
    let state = digest::digest(&Secret::new(state.to_owned()));
    let (id, now) = (provider.id, context.now());
    let browser = browser.to_owned();
    let taken = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        let sign_in = tx.upstream_sign_ins().take(&state, &browser, id, now)?;
        Ok(sign_in.map(|sign_in| (sign_in, state.as_str().to_owned())))
    });
    Ok(taken.await?)
}

/// What the provider says of the user.
async fn ask(
    context: &Context,
    tenant: &TenantSnapshot,
    stored: &StoredProvider,
    sign_in: &UpstreamSignIn,
    state: &str,
    returned: &Returned<'_>,
) -> Result<Result<Identified, Refusal>, Failure> {
    // RFC 9207 §2.4: errors are checked like codes.
    if returned.error.is_some() && !context.upstreams.may_be_of(&stored.provider, returned.issuer) {
        return Ok(Err(Refusal::Upstream(UpstreamError::Untrue(Lie::Issuer))));
    }
    match returned.error {
        Some("access_denied") => return Ok(Err(Refusal::Cancelled)),
        Some(_) => return Ok(Err(Refusal::ProviderError)),
        None => {}
    }
    let Some(code) = returned.code else {
        let nothing = UpstreamError::Nonsense("neither a code nor an error".to_owned());
        return Ok(Err(Refusal::Upstream(nothing)));
    };
    let unreadable = || Failure::Internal("a code verifier cannot be opened".to_owned());
    let verifier = context
        .sealer
        .open(verifier_seal(tenant, state), &sign_in.sealed_code_verifier)
        .map_err(|_| unreadable())?;
    let verifier = std::str::from_utf8(&verifier).map_err(|_| unreadable())?;
    let secret = open_secret(context, tenant.tenant.id, stored)?;
    let answer = Answer {
        code,
        issuer: returned.issuer,
        redirect_uri: &redirect_uri(&tenant.issuer, &stored.provider.key),
        nonce: &sign_in.nonce,
        code_verifier: Secret::new(verifier.to_owned()),
        signed_in_since: sign_in.signed_in_since,
    };
    let identified = context
        .upstreams
        .identify(tenant.tenant.id, &stored.provider, &secret, answer, context.now())
        .await;
    Ok(identified.map_err(Refusal::Upstream))
}

/// Tried again once: somebody may have made the account or the link at the same moment, and then it is there.
async fn settle(
    context: &Context,
    tenant: &TenantSnapshot,
    provider: &Provider,
    visit: Visit,
    assertion: Assertion,
) -> Result<Settled, Failure> {
    let attempt = || {
        let (visit, provider, assertion) = (visit.clone(), provider.clone(), assertion.clone());
        let policy = tenant.tenant.accounts;
        context.db.write(tenant.tenant.id, move |tx| visit.settle(tx, policy, &provider, assertion))
    };
    match attempt().await {
        Err(StorageError::Conflict) => Ok(attempt().await?),
        settled => Ok(settled?),
    }
}
