//! The buttons of the providers, in their own styles, and which of them was used last in this browser.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse};

use super::pending::query;
use crate::config::Scheme;
use crate::domain::after_sign_in::AfterSignIn;
use crate::domain::ids::LinkOfferId;
use crate::domain::provider::{Provider, ProviderKey, ProviderKind};
use crate::flows::TenantSnapshot;
use crate::web::state::State;

/// Tells nothing but the provider, and is believed in nothing.
const LAST_USED: &str = "doorward-provider";
const LAST_USED_LIFE: Duration = Duration::days(365);

#[derive(Clone, Debug)]
pub struct ProviderButton {
    pub href: String,
    pub name: String,
    pub brand: Brand,
    pub last_used: bool,
}

/// Whose style rules the button follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    Google,
    GitHub,
    Other,
}

impl Brand {
    /// Both allow their sign beside their name alone.
    pub fn of(provider: &Provider) -> Self {
        let is_named = |name: &str| provider.name.as_str() == name;
        match provider.kind {
            ProviderKind::Google if is_named("Google") => Self::Google,
            ProviderKind::GitHub if is_named("GitHub") => Self::GitHub,
            ProviderKind::Google | ProviderKind::GitHub | ProviderKind::Oidc(_) => Self::Other,
        }
    }
}

/// What the button is for.
#[derive(Clone, Copy, Debug)]
pub enum Errand {
    SignIn(AfterSignIn),
    ProveAccount(LinkOfferId),
}

impl ProviderButton {
    pub fn new(
        tenant: &TenantSnapshot,
        provider: &Provider,
        errand: Errand,
        last_used: Option<&str>,
    ) -> Self {
        let path = format!("{}/federation/{}", tenant.base_path, provider.key);
        Self {
            href: match errand {
                Errand::SignIn(then) => match query(then) {
                    query if query.is_empty() => path,
                    query => format!("{path}?{query}"),
                },
                Errand::ProveAccount(id) => format!("{path}?offer={id}"),
            },
            name: provider.name.to_string(),
            brand: Brand::of(provider),
            last_used: last_used == Some(provider.key.as_str()),
        }
    }

    /// One that leads nowhere.
    pub fn specimen(provider: &Provider) -> Self {
        let (name, brand) = (provider.name.to_string(), Brand::of(provider));
        Self { href: "#".to_owned(), name, brand, last_used: false }
    }

    /// All of the tenant's, for its login page.
    pub fn all(request: &HttpRequest, tenant: &TenantSnapshot, then: AfterSignIn) -> Vec<Self> {
        let cookie = request.cookie(LAST_USED);
        let last_used = cookie.as_ref().map(Cookie::value);
        let errand = Errand::SignIn(then);
        let providers = tenant.providers.iter();
        providers.map(|stored| Self::new(tenant, &stored.provider, errand, last_used)).collect()
    }
}

/// Marks the provider's button the next time.
pub fn remember(
    response: &mut HttpResponse,
    state: &State,
    tenant: &TenantSnapshot,
    provider: &ProviderKey,
) {
    let is_https =
        tenant.base_path.is_empty() || state.context.public_url.scheme() == Scheme::Https;
    let path = if tenant.base_path.is_empty() { "/" } else { &tenant.base_path };
    let cookie = Cookie::build(LAST_USED, provider.as_str())
        .path(path)
        .http_only(true)
        .secure(is_https)
        .same_site(SameSite::Lax)
        .max_age(LAST_USED_LIFE)
        .finish();
    // Fails for a name or value that no cookie may have; a key is neither.
    let _ = response.add_cookie(&cookie);
}
