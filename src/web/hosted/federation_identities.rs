//! `/account/identities`: the providers that open one's account, to be linked and unlinked.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::federation::visitor;
use super::federation_button::Brand;
use super::federation_refused::refuse;
use super::pending::see_other;
use super::{Page, PageError, Policy, afresh, render};
use crate::domain::identity::{Identity, Subject};
use crate::domain::ids::UserId;
use crate::domain::parameters::Parameters;
use crate::domain::provider::Provider;
use crate::domain::upstream_sign_in::Purpose;
use crate::flows::TenantSnapshot;
use crate::flows::federation::Refusal;
use crate::flows::federation::begin::{self, Begun, Departure};
use crate::flows::federation::link::{self, Linked, Unlinked};
use crate::messages::id;
use crate::upstream::Presence;
use crate::web::csrf;
use crate::web::error::ApiError;
use crate::web::extract::browser::Browser;
use crate::web::extract::form::Form;
use crate::web::oauth::authorize::own_origin;
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/federation_identities.html")]
pub struct IdentitiesPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub account_url: String,
    pub identities: Vec<ShownIdentity>,
    pub linkable: Vec<LinkableProvider>,
    pub may_unlink: bool,
    pub error: Option<String>,
}

pub struct ShownIdentity {
    pub provider: String,
    pub provider_name: String,
    pub brand: Brand,
    pub subject: String,
    /// The address, or the name, that the provider knows the user by.
    pub known_as: String,
    pub last_used: String,
    /// For those who hear the button without the line that it stands in.
    pub unlink_label: String,
}

pub struct LinkableProvider {
    pub provider: String,
    pub provider_name: String,
    pub brand: Brand,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
) -> Result<HttpResponse, PageError> {
    match user(&browser) {
        Some(user) => show(&request, &state, &browser, user, None).await,
        None => Ok(see_other(format!("{}/login", browser.tenant().base_path))),
    }
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    form: Result<Form, ApiError>,
) -> Result<HttpResponse, PageError> {
    let Form(form) = form.map_err(|error| PageError::from_api(&request, error))?;
    let tenant = browser.tenant();
    let Some(user) = user(&browser) else {
        return Ok(see_other(format!("{}/login", tenant.base_path)));
    };
    let origin = own_origin(&state, tenant);
    if !csrf::is_own_post(&request, origin, &browser.secret, form.get("csrf")) {
        return Err(afresh::refuse(&request, &state, &browser, &form).await);
    }
    let stored = form.get("provider").and_then(|key| tenant.provider(key));
    let provider = &stored.ok_or_else(|| PageError::stale(&request))?.provider;
    match form.get("choice") {
        Some("link") => to_provider(&request, &state, &browser, provider, user).await,
        Some("unlink") => unlink(&request, &state, &browser, provider, user, &form).await,
        Some(_) | None => Err(PageError::stale(&request)),
    }
}

/// By a form with a token, not by a link: else another site could link its own identity to this account, in a
/// browser that is signed in to both.
async fn to_provider(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    provider: &Provider,
    user: UserId,
) -> Result<HttpResponse, PageError> {
    let (tenant, now) = (browser.tenant(), state.context.now());
    let is_fresh =
        browser.signed_in.as_ref().is_some_and(|signed_in| signed_in.session.is_fresh(now));
    if !is_fresh {
        return refuse(request, tenant, provider, &Refusal::NotFresh, Some(Purpose::Link { user }));
    }
    let purpose = Purpose::Link { user };
    let departure = Departure { purpose, login_hint: None, presence: Presence::Renewed };
    let visitor = visitor(request, browser);
    let begun = begin::begin(&state.context, tenant, provider, departure, &visitor).await;
    match begun.map_err(|failure| PageError::failure(request, &failure))? {
        Begun::AtProvider(page) => Ok(see_other(page.to_string())),
        Begun::RequestGone => Err(PageError::stale(request)),
        Begun::Refused(why) => refuse(request, tenant, provider, &why, Some(purpose)),
    }
}

async fn unlink(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    provider: &Provider,
    user: UserId,
    form: &Parameters,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let subject = Subject::parse(form.get("subject").unwrap_or_default());
    let subject = subject.map_err(|_| PageError::stale(request))?;
    let visitor = visitor(request, browser);
    let unlinked = link::unlink(&state.context, tenant, provider, subject, &visitor).await;
    match unlinked.map_err(|failure| PageError::failure(request, &failure))? {
        Unlinked::Done | Unlinked::Gone => {
            Ok(see_other(format!("{}/account/identities", tenant.base_path)))
        }
        Unlinked::LastWay => {
            show(request, state, browser, user, Some(id!("identities-last"))).await
        }
        Unlinked::NotFresh => {
            refuse(request, tenant, provider, &Refusal::NotFresh, Some(Purpose::Link { user }))
        }
    }
}

fn user(browser: &Browser) -> Option<UserId> {
    browser.signed_in.as_ref().map(|signed_in| signed_in.profile.user.id)
}

async fn show(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    user: UserId,
    error: Option<&'static str>,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let linked = link::list(&state.context, tenant, user)
        .await
        .map_err(|failure| PageError::failure(request, &failure))?;
    let may_unlink = linked.may_unlink();
    let Linked { identities, .. } = linked;
    let is_linked =
        |provider: &Provider| identities.iter().any(|identity| identity.provider_id == provider.id);
    let providers = tenant.providers.iter().map(|stored| &stored.provider);
    let page = IdentitiesPage {
        page: Page::of(tenant),
        action: format!("{}/account/identities", tenant.base_path),
        csrf: browser.secret.clone(),
        account_url: format!("{}/account", tenant.base_path),
        linkable: providers
            .filter(|provider| !is_linked(provider))
            .map(|provider| LinkableProvider {
                provider: provider.key.to_string(),
                provider_name: provider.name.to_string(),
                brand: Brand::of(provider),
            })
            .collect(),
        identities: identities.iter().filter_map(|identity| shown(tenant, identity)).collect(),
        may_unlink,
        error: error.map(|id| Page::of(tenant).say(id)),
    };
    let origins: Vec<String> = tenant
        .providers
        .iter()
        .map(|stored| state.context.upstreams.origin(&stored.provider))
        .collect();
    render(request, &page, Policy::LeadsToAny(&origins))
}

/// The letters of a date, without the hour.
const DATE: usize = 10;

fn shown(tenant: &TenantSnapshot, identity: &Identity) -> Option<ShownIdentity> {
    let provider = &tenant.provider_by_id(identity.provider_id)?.provider;
    let name = identity.name.as_ref().map(ToString::to_string);
    let known_as = identity.email.clone().or(name).unwrap_or_default();
    let named = [("provider", provider.name.as_str()), ("name", known_as.as_str())];
    Some(ShownIdentity {
        unlink_label: Page::of(tenant).say_with_two("identities-unlink-of", named[0], named[1]),
        provider: provider.key.to_string(),
        provider_name: provider.name.to_string(),
        brand: Brand::of(provider),
        subject: identity.subject.as_str().to_owned(),
        known_as,
        last_used: identity.last_used_at.to_string().chars().take(DATE).collect(),
    })
}
