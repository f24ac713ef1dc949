//! The tokens that a provider gave with a sign-in, for an app that calls the provider's API in its user's name.
//! They are sealed for their identity, and renewed here, so that an app needs no refresh token of the provider's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::open_secret;
use crate::crypto::seal::SealContext;
use crate::domain::clock::Timestamp;
use crate::domain::identity::Subject;
use crate::domain::ids::{ProviderId, TenantId, UserId};
use crate::domain::provider::{Provider, TokenRetention};
use crate::domain::secret::Secret;
use crate::domain::upstream_token::{RENEWAL_LEASE, SealedTokens, UpstreamTokens};
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{StorageError, StoredProvider};
use crate::upstream::UpstreamError;

/// What an app gets.
#[derive(Debug)]
pub enum Found {
    Token(AccessToken),
    /// None is kept: the user never signed in with the provider since its tokens are kept.
    None,
    /// It has ended, and the provider renews it no more.
    Ended,
    /// The provider cannot be reached, or another request is renewing it: try again soon.
    NotNow,
}

#[derive(Debug)]
pub struct AccessToken {
    pub subject: Subject,
    pub token: Secret,
    pub scope: Option<String>,
    pub expires_at: Option<Timestamp>,
}

/// What is sealed as the access token.
#[derive(Deserialize, Serialize)]
struct Kept {
    access_token: String,
    scope: Option<String>,
    /// Milliseconds since 1970.
    expires_at: Option<i64>,
}

/// While another request renews the tokens, this one looks again so often, and so long apart.
const LOOKS: u32 = 40;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// An access token that works, renewed if need be.
pub async fn find(
    context: &Context,
    tenant: &TenantSnapshot,
    stored: &StoredProvider,
    user: UserId,
) -> Result<Found, Failure> {
    if stored.provider.tokens == TokenRetention::Discarded {
        return Ok(Found::None);
    }
    let id = stored.provider.id;
    for _ in 0..LOOKS {
        let kept = context.db.read::<_, StorageError>(tenant.tenant.id, move |tx| {
            tx.upstream_tokens().find(user, id)
        });
        let Some((subject, sealed)) = kept.await? else { return Ok(Found::None) };
        let tokens = open(context, tenant.tenant.id, id, &subject, &sealed)?;
        if tokens.is_usable(context.now()) {
            return Ok(found(subject, tokens));
        }
        let Some(refresh_token) = tokens.refresh_token else { return Ok(Found::Ended) };
        let now = context.now();
        let lease = (now, now + RENEWAL_LEASE);
        let key = subject.clone();
        let leased = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
            tx.upstream_tokens().lease(id, &key, &sealed, lease)
        });
        if leased.await? {
            return renew(context, tenant, stored, subject, &refresh_token, lease.1).await;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(Found::NotNow)
}

fn found(subject: Subject, tokens: UpstreamTokens) -> Found {
    let UpstreamTokens { access_token: token, scope, expires_at, .. } = tokens;
    Found::Token(AccessToken { subject, token, scope, expires_at })
}

/// The lease is ours until it ends.
async fn renew(
    context: &Context,
    tenant: &TenantSnapshot,
    stored: &StoredProvider,
    subject: Subject,
    refresh_token: &Secret,
    lease: Timestamp,
) -> Result<Found, Failure> {
    let (id, owner) = (stored.provider.id, tenant.tenant.id);
    let secret = open_secret(context, owner, stored)?;
    let provider = &stored.provider;
    let renewed =
        context.upstreams.renew(owner, provider, &secret, refresh_token, context.now()).await;
    let key = subject.clone();
    match renewed {
        Ok(tokens) if tokens.fits() => {
            let sealed = seal(context, owner, id, &subject, &tokens);
            let put = context.db.write::<_, StorageError>(owner, move |tx| {
                tx.upstream_tokens().renew(id, &key, lease, &sealed)
            });
            put.await?;
            Ok(found(subject, tokens))
        }
        // RFC 6749 §5.2: the provider answered, and it was no.
        Ok(_) | Err(UpstreamError::Refused(_)) => {
            let deleted = context.db.write::<_, StorageError>(owner, move |tx| {
                tx.upstream_tokens().delete(id, &key, lease)
            });
            deleted.await?;
            Ok(Found::Ended)
        }
        Err(error) => {
            tracing::warn!(tenant = %tenant.tenant.slug, provider = %provider.key, %error, "a token is not renewed");
            let ended = context.db.write::<_, StorageError>(owner, move |tx| {
                tx.upstream_tokens().end_lease(id, &key, lease)
            });
            ended.await?;
            Ok(Found::NotNow)
        }
    }
}

/// What is kept of the tokens of a sign-in: nothing, unless the tenant asks for it.
pub(super) fn kept(
    context: &Context,
    tenant: TenantId,
    provider: &Provider,
    subject: &Subject,
    tokens: Option<&UpstreamTokens>,
) -> Option<SealedTokens> {
    match provider.tokens {
        TokenRetention::Discarded => None,
        TokenRetention::Kept => {
            let tokens = tokens.filter(|tokens| tokens.fits())?;
            Some(seal(context, tenant, provider.id, subject, tokens))
        }
    }
}

/// One row has two sealed values; neither opens as the other.
fn row(provider: ProviderId, subject: &Subject, which: &str) -> String {
    format!("{provider} {which} {}", subject.as_str())
}

fn seal(
    context: &Context,
    tenant: TenantId,
    provider: ProviderId,
    subject: &Subject,
    tokens: &UpstreamTokens,
) -> SealedTokens {
    let kept = Kept {
        access_token: tokens.access_token.expose().to_owned(),
        scope: tokens.scope.clone(),
        expires_at: tokens.expires_at.map(Timestamp::as_millis),
    };
    let seal = |which: &str, plain: &Secret| {
        let row = row(provider, subject, which);
        let place = SealContext { tenant, table: "upstream_tokens", row: &row };
        context.sealer.seal(&*context.entropy, place, plain.expose().as_bytes())
    };
    SealedTokens {
        access_token: seal("access", &Secret::new(serde_json::json!(kept).to_string())),
        refresh_token: tokens.refresh_token.as_ref().map(|token| seal("refresh", token)),
    }
}

fn open(
    context: &Context,
    tenant: TenantId,
    provider: ProviderId,
    subject: &Subject,
    sealed: &SealedTokens,
) -> Result<UpstreamTokens, Failure> {
    let unreadable =
        || Failure::Internal(format!("a token of provider {provider} cannot be opened"));
    let open = |which: &str, sealed: &str| {
        let row = row(provider, subject, which);
        let place = SealContext { tenant, table: "upstream_tokens", row: &row };
        let plain = context.sealer.open(place, sealed).map_err(|_| unreadable())?;
        let text = String::from_utf8(plain.to_vec()).map_err(|_| unreadable())?;
        Ok::<_, Failure>(Secret::new(text))
    };
    let kept = open("access", &sealed.access_token)?;
    let kept: Kept = serde_json::from_str(kept.expose()).map_err(|_| unreadable())?;
    let refresh_token = sealed.refresh_token.as_deref().map(|token| open("refresh", token));
    Ok(UpstreamTokens {
        access_token: Secret::new(kept.access_token),
        refresh_token: refresh_token.transpose()?,
        scope: kept.scope,
        expires_at: kept.expires_at.map(Timestamp::from_millis),
    })
}
