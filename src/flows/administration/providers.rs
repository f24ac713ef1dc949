//! Upstream providers of a tenant: setting, listing, removing.

use serde_json::json;
use url::Url;

use super::{Administrator, Problem, Undone, description};
use crate::domain::audit::Action;
use crate::domain::entropy::random_secret;
use crate::domain::ids::ProviderId;
use crate::domain::provider::{
    InvalidProvider, ProfileRefresh, Provider, ProviderKey, ProviderKind, TokenRetention,
    UnverifiedEmail, UpstreamScope,
};
use crate::domain::secret::Secret;
use crate::domain::tenant::{DisplayName, Domain, SignUp, Tenant};
use crate::flows::Context;
use crate::flows::federation::secret_seal;
use crate::storage::{StorageError, StoredProvider, TenantTx};
use crate::upstream::{Ask, Presence};

pub struct NewProvider {
    pub kind: ProviderKind,
    /// The kind, if there is none.
    pub key: Option<ProviderKey>,
    pub name: Option<DisplayName>,
    pub client_id: String,
    /// `None` keeps the one that is there.
    pub client_secret: Option<Secret>,
    /// Those of the kind, if there are none.
    pub scopes: Vec<UpstreamScope>,
    pub allowed_domains: Vec<Domain>,
    pub sign_up: SignUp,
    pub unverified_email: UnverifiedEmail,
    pub profile: ProfileRefresh,
    pub tokens: TokenRetention,
}

/// What a provider of that key may be before it is set.
pub enum Seen {
    /// Whatever there is.
    Anything,
    Nothing,
    /// What has this version.
    Version(String),
}

/// Makes the provider of that key, or changes all of it. Its identities stay, and hence its kind and issuer:
/// another issuer could name the same subjects and mean others by them.
pub async fn set(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    seen: Seen,
    new: NewProvider,
) -> Result<Provider, Problem> {
    check_client(&new)?;
    check_issuer(admin, &new.kind)?;
    let key = match new.key.clone() {
        Some(key) => key,
        None => ProviderKey::parse(new.kind.as_str()).map_err(invalid)?,
    };
    let existing = stored(admin, tenant).await?.into_iter().find(|it| it.provider.key == key);
    let before = existing.as_ref().map_or(json!(null), |it| description::provider(&it.provider));
    match (&existing, seen) {
        (Some(existing), _) if existing.provider.kind != new.kind => {
            return Err(Problem::input(format!(
                "the provider `{key}` is of another kind or issuer, and its linked accounts with it; choose \
                 another key, or remove it first"
            )));
        }
        (Some(_), Seen::Nothing) => {
            return Err(Problem::input(format!("there is a provider `{key}`; choose another key")));
        }
        (Some(_), Seen::Version(seen)) => Problem::unless_current(&before, Some(&seen))?,
        (None, Seen::Version(_)) => return Err(Problem::Unknown),
        (_, Seen::Anything) | (None, Seen::Nothing) => {}
    }
    let provider = provider(admin, key, existing.as_ref().map(|it| &it.provider), &new)?;
    let id = provider.id.to_string();
    let seal = secret_seal(tenant.id, &id);
    let sealed_secret = match (&new.client_secret, &existing) {
        (Some(secret), _) => admin.sealer.seal(&*admin.entropy, seal, secret.expose().as_bytes()),
        (None, Some(existing)) => existing.sealed_secret.clone(),
        (None, None) => {
            return Err(Problem::input("a new provider needs the client secret that it gave you"));
        }
    };
    let stored = StoredProvider { provider: provider.clone(), sealed_secret };
    let after = description::provider(&provider);
    let event = admin.record_change(Action::ProviderSet, provider.id, &before, &after);
    let written = admin.db.write::<_, Undone>(tenant.id, move |tx| {
        match existing {
            None => tx.providers().insert(&stored)?,
            Some(read) => {
                unless_read(tx, &read)?;
                tx.providers().update(&stored)?;
                match stored.provider.tokens {
                    TokenRetention::Kept => {}
                    TokenRetention::Discarded => {
                        tx.upstream_tokens().delete_all(stored.provider.id)?;
                    }
                }
            }
        }
        Ok(tx.audit_events().append(&event)?)
    });
    match written.await {
        Err(Undone::Storage(StorageError::Conflict)) => {
            return Err(Problem::input("somebody else made this provider meanwhile; look at it"));
        }
        other => other?,
    }
    admin.tenants.forget();
    Ok(provider)
}

/// Refuses to write over what somebody else has written since it was read; its secret counts, too.
fn unless_read(tx: &mut TenantTx<'_>, read: &StoredProvider) -> Result<(), Undone> {
    let id = read.provider.id;
    tx.providers().lock(id)?;
    let now = tx.providers().list()?.into_iter().find(|stored| stored.provider.id == id);
    let now = now.ok_or(Undone::Problem(Problem::Unknown))?;
    let (then, description) =
        (description::provider(&read.provider), description::provider(&now.provider));
    match then == description && now.sealed_secret == read.sealed_secret {
        true => Ok(()),
        false => Err(Undone::Problem(Problem::Stale(description))),
    }
}

fn provider(
    context: &Context,
    key: ProviderKey,
    existing: Option<&Provider>,
    new: &NewProvider,
) -> Result<Provider, Problem> {
    let (now, kind) = (context.now(), &new.kind);
    let name = match &new.name {
        Some(name) => name.clone(),
        None => DisplayName::parse(&kind.default_name(&key))
            .map_err(|why| Problem::input(why.to_string()))?,
    };
    let scopes = if new.scopes.is_empty() {
        kind.default_scopes().iter().map(|scope| UpstreamScope::parse(scope)).collect()
    } else {
        Ok(new.scopes.clone())
    };
    Ok(Provider {
        id: existing
            .map_or_else(|| ProviderId::generate(now, &*context.entropy), |existing| existing.id),
        key,
        name,
        kind: kind.clone(),
        client_id: new.client_id.clone(),
        scopes: scopes.map_err(invalid)?,
        allowed_domains: new.allowed_domains.clone(),
        sign_up: new.sign_up,
        unverified_email: new.unverified_email,
        profile: new.profile,
        tokens: new.tokens,
        created_at: existing.map_or(now, |existing| existing.created_at),
    })
}

pub async fn list(context: &Context, tenant: &Tenant) -> Result<Vec<Provider>, Problem> {
    Ok(stored(context, tenant).await?.into_iter().map(|stored| stored.provider).collect())
}

async fn stored(context: &Context, tenant: &Tenant) -> Result<Vec<StoredProvider>, Problem> {
    Ok(context.db.read::<_, StorageError>(tenant.id, |tx| tx.providers().list()).await?)
}

pub async fn find(
    context: &Context,
    tenant: &Tenant,
    key: &ProviderKey,
) -> Result<Provider, Problem> {
    let found = list(context, tenant).await?.into_iter().find(|provider| provider.key == *key);
    found.ok_or(Problem::Unknown)
}

/// Asks the provider for its page, as a sign-in would, and says where that is.
pub async fn test(
    context: &Context,
    tenant: &Tenant,
    provider: &Provider,
    redirect_uri: &str,
) -> Result<Url, Problem> {
    let entropy = &*context.entropy;
    let (state, nonce, verifier) =
        (random_secret(entropy), random_secret(entropy), random_secret(entropy));
    let ask = Ask {
        redirect_uri,
        state: state.expose(),
        nonce: nonce.expose(),
        code_verifier: &verifier,
        login_hint: None,
        presence: Presence::AnySession,
    };
    let (upstreams, now) = (&context.upstreams, context.now());
    let page = match upstreams.answers(tenant.id, provider, now).await {
        Ok(()) => upstreams.page(tenant.id, provider, &ask, now).await,
        Err(silent) => Err(silent),
    };
    page.map_err(|why| Problem::input(format!("{} cannot be used: {why}", provider.name)))
}

/// With every identity of it: whoever has no other way to sign in must recover their account.
pub async fn remove(
    admin: &Administrator<'_>,
    tenant: &Tenant,
    key: &ProviderKey,
) -> Result<(), Problem> {
    let unknown = || {
        Problem::input(format!(
            "there is no provider `{key}`; `doorward provider list --tenant {}` shows those that are",
            tenant.slug
        ))
    };
    let existing = list(admin, tenant).await?.into_iter().find(|provider| provider.key == *key);
    let existing = existing.ok_or_else(unknown)?;
    let (id, before) = (existing.id, description::provider(&existing));
    let event = admin.record_change(Action::ProviderRemoved, id, &before, &json!(null));
    let removed = admin.db.write::<_, StorageError>(tenant.id, move |tx| {
        let removed = tx.providers().delete(id)?;
        if removed {
            tx.audit_events().append(&event)?;
        }
        Ok(removed)
    });
    if !removed.await? {
        return Err(unknown());
    }
    admin.tenants.forget();
    Ok(())
}

fn invalid(why: InvalidProvider) -> Problem {
    Problem::input(why.to_string())
}

fn check_client(new: &NewProvider) -> Result<(), Problem> {
    let is_printable = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
    if !(1..=255).contains(&new.client_id.len()) || !is_printable(&new.client_id) {
        return Err(invalid(InvalidProvider::ClientId));
    }
    let secret = new.client_secret.as_ref().map_or("kept", Secret::expose);
    if !(1..=1_000).contains(&secret.len()) || !secret.chars().all(|c| matches!(c, ' '..='~')) {
        return Err(Problem::input("the client secret is 1 to 1,000 printable ASCII characters"));
    }
    Ok(())
}

/// Told at once where it can be; a name is looked at when it is resolved.
fn check_issuer(context: &Context, kind: &ProviderKind) -> Result<(), Problem> {
    let Some(issuer) = kind.issuer() else { return Ok(()) };
    let url = Url::parse(issuer.as_str()).map_err(|_| invalid(InvalidProvider::Issuer))?;
    if context.upstreams.may_call(&url) {
        return Ok(());
    }
    Err(Problem::input(format!(
        "the issuer `{}` must be https and must not be an address that is private or this machine's own; \
         whoever runs the deployment can allow it with DOORWARD_UPSTREAM_ALLOW",
        issuer.as_str()
    )))
}
