//! `/federation/link`: somebody has an account with the address that their provider vouches for, and proves
//! it once.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::federation::{query, visitor};
use super::federation_button::{Brand, Errand, ProviderButton};
use super::pending::{after_sign_in, see_other};
use super::{Page, PageError, Policy, afresh, render};
use crate::domain::after_sign_in::AfterSignIn;
use crate::domain::ids::LinkOfferId;
use crate::flows::account::throttle::{Credential, Guesser};
use crate::flows::federation::link::{self, Offered, Proved};
use crate::messages::id;
use crate::web::cookies::KnownDevice;
use crate::web::csrf;
use crate::web::error::ApiError;
use crate::web::extract::browser::Browser;
use crate::web::extract::form::Form;
use crate::web::oauth::authorize::{destination, own_origin};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/federation_link.html")]
pub struct LinkPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub offer: String,
    pub provider_name: String,
    pub email: String,
    pub has_password: bool,
    /// Those whose identities open the account already.
    pub providers: Vec<ProviderButton>,
    pub login_url: String,
    pub forgot_url: String,
    pub error: Option<String>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
) -> Result<HttpResponse, PageError> {
    let query = query(&request)?;
    let id = query.get("offer").and_then(|id| LinkOfferId::parse(id).ok());
    let id = id.ok_or_else(|| PageError::stale(&request))?;
    show(&request, &state, &browser, id, None).await
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    form: Result<Form, ApiError>,
) -> Result<HttpResponse, PageError> {
    let Form(form) = form.map_err(|error| PageError::from_api(&request, error))?;
    let tenant = browser.tenant();
    let origin = own_origin(&state, tenant);
    if !csrf::is_own_post(&request, origin, &browser.secret, form.get("csrf")) {
        return Err(afresh::refuse(&request, &state, &browser, &form).await);
    }
    let id = form.get("offer").and_then(|id| LinkOfferId::parse(id).ok());
    let id = id.ok_or_else(|| PageError::stale(&request))?;
    let password = form.get("password").unwrap_or_default();
    if password.is_empty() {
        return show(&request, &state, &browser, id, Some(id!("link-password-missing"))).await;
    }
    let failed = |failure| PageError::failure(&request, &failure);
    let visitor = visitor(&request, &browser);
    let guesser = Guesser {
        address: visitor.device.address.clone(),
        known_device: KnownDevice::read(&request, &state, tenant),
        client: None,
    };
    let context = &state.context;
    let proved = link::prove_with_password(context, tenant, id, password, &guesser, visitor);
    match proved.await.map_err(failed)? {
        Proved::SignedIn { session, user, request: pending } => {
            browser.sign_in(session).map_err(failed)?;
            let mut response = see_other(after_sign_in(tenant, AfterSignIn::of(pending)));
            KnownDevice::remember(&mut response, &state, tenant, user).map_err(failed)?;
            Ok(response)
        }
        Proved::WrongPassword => {
            show(&request, &state, &browser, id, Some(id!("link-password-wrong"))).await
        }
        Proved::TooMany { retry_after } => {
            Err(PageError::wait_or_recover(&request, retry_after, Credential::Password))
        }
        Proved::Gone => Err(PageError::stale(&request)),
    }
}

async fn show(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    id: LinkOfferId,
    error: Option<&'static str>,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let failed = |failure| PageError::failure(request, &failure);
    let offered = link::offer(&state.context, tenant, id, &browser.secret).await.map_err(failed)?;
    let Some(Offered { offer, email, has_password, identities }) = offered else {
        return Err(PageError::stale(request));
    };
    let provider = tenant.provider_by_id(offer.identity.provider_id);
    let provider = provider.ok_or_else(|| PageError::stale(request))?;
    let destination = match offer.request {
        Some(id) => destination(state, browser, id).await.map_err(failed)?,
        None => None,
    };
    let opens = |id| identities.iter().any(|identity| identity.provider_id == id);
    let others = tenant.providers.iter().filter(|stored| opens(stored.provider.id));
    let errand = Errand::ProveAccount(id);
    let pending = offer.request.map(|id| format!("?request={id}")).unwrap_or_default();
    let page = LinkPage {
        page: Page::of(tenant),
        action: format!("{}/federation/link", tenant.base_path),
        csrf: browser.secret.clone(),
        offer: id.to_string(),
        provider_name: provider.provider.name.to_string(),
        email,
        has_password,
        providers: others
            .map(|stored| ProviderButton::new(tenant, &stored.provider, errand, None))
            .collect(),
        login_url: format!("{}/login{pending}", tenant.base_path),
        forgot_url: format!("{}/forgot-password{pending}", tenant.base_path),
        error: error.map(|id| Page::of(tenant).say(id)),
    };
    let policy = destination
        .as_ref()
        .map_or(Policy::StaysHere, |destination| Policy::LeadsTo(&destination.redirect_uri));
    render(request, &page, policy)
}
