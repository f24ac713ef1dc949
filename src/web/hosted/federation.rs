//! `/federation/{provider}` and its `/callback`: to a provider and back.

use actix_web::{HttpRequest, HttpResponse, web};

use super::PageError;
use super::federation_button::remember;
use super::federation_refused::refuse;
use super::pending::{after_sign_in, see_other};
use crate::domain::after_sign_in::{AccountPage, AfterSignIn};
use crate::domain::ids::{LinkOfferId, RequestId};
use crate::domain::parameters::Parameters;
use crate::domain::upstream_sign_in::Purpose;
use crate::flows::account::throttle;
use crate::flows::federation::Visitor;
use crate::flows::federation::begin::{self, Begun, Departure};
use crate::flows::federation::complete::{self, Outcome, Returned};
use crate::upstream::Presence;
use crate::web::cookies::KnownDevice;
use crate::web::extract::browser::Browser;
use crate::web::extract::device::device;
use crate::web::state::State;

pub async fn begin(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    provider: web::Path<Segment>,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let stored =
        tenant.provider(&provider.provider).ok_or_else(|| PageError::no_provider(&request))?;
    unless_too_many(&request, &state, &browser).await?;
    let query = query(&request)?;
    let purpose = purpose(&query).ok_or_else(|| PageError::stale(&request))?;
    let departure = Departure {
        purpose,
        login_hint: query.get("login_hint").filter(|hint| hint.len() <= 254),
        presence: match query.get("again") {
            Some(_) => Presence::Renewed,
            None => Presence::AnySession,
        },
    };
    let visitor = visitor(&request, &browser);
    let begun = begin::begin(&state.context, tenant, &stored.provider, departure, &visitor).await;
    match begun.map_err(|failure| PageError::failure(&request, &failure))? {
        Begun::AtProvider(page) => Ok(see_other(page.to_string())),
        Begun::RequestGone => Err(PageError::stale(&request)),
        Begun::Refused(why) => refuse(&request, tenant, &stored.provider, &why, Some(purpose)),
    }
}

pub async fn callback(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    provider: web::Path<Segment>,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let stored =
        tenant.provider(&provider.provider).ok_or_else(|| PageError::no_provider(&request))?;
    unless_too_many(&request, &state, &browser).await?;
    let query = query(&request)?;
    // RFC 6749 §3.1: no parameter comes twice. One that does says nothing.
    let get = |name: &str| query.get(name).filter(|_| query.repeated().is_none());
    let returned = Returned {
        state: get("state"),
        code: get("code"),
        error: get("error"),
        issuer: get("iss"),
    };
    let visitor = visitor(&request, &browser);
    let outcome = complete::complete(&state.context, tenant, stored, returned, visitor)
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    match outcome {
        Outcome::SignedIn { session, user, then } => {
            browser.sign_in(session).map_err(|failure| PageError::failure(&request, &failure))?;
            let mut response = see_other(after_sign_in(tenant, then));
            remember(&mut response, &state, tenant, &stored.provider.key);
            KnownDevice::remember(&mut response, &state, tenant, user)
                .map_err(|failure| PageError::failure(&request, &failure))?;
            Ok(response)
        }
        Outcome::Linked => Ok(see_other(format!("{}/account/identities", tenant.base_path))),
        Outcome::ProveAccount(id) => {
            Ok(see_other(format!("{}/federation/link?offer={id}", tenant.base_path)))
        }
        Outcome::Refused { why, purpose } => {
            refuse(&request, tenant, &stored.provider, &why, purpose)
        }
    }
}

async fn unless_too_many(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
) -> Result<(), PageError> {
    let address = device(request).address;
    let wait = throttle::visit_provider(&state.context, browser.tenant(), address.as_deref()).await;
    match wait.map_err(|failure| PageError::failure(request, &failure))? {
        None => Ok(()),
        Some(seconds) => Err(PageError::wait(request, seconds)),
    }
}

/// The provider's key in the path.
#[derive(serde::Deserialize)]
pub struct Segment {
    pub provider: String,
}

/// `None` for an id that is none.
fn purpose(query: &Parameters) -> Option<Purpose> {
    match (query.get("offer"), query.get("request")) {
        (Some(offer), _) => Some(Purpose::ProveAccount { offer: LinkOfferId::parse(offer).ok()? }),
        (None, Some(id)) => {
            Some(Purpose::SignIn { then: AfterSignIn::Request(RequestId::parse(id).ok()?) })
        }
        (None, None) => {
            let page = query.get("next").and_then(AccountPage::parse);
            let page = page.unwrap_or(AccountPage::Account);
            Some(Purpose::SignIn { then: AfterSignIn::Account(page) })
        }
    }
}

pub fn visitor<'a>(request: &HttpRequest, browser: &'a Browser) -> Visitor<'a> {
    Visitor {
        browser: &browser.secret,
        session: browser.signed_in.as_ref().map(|signed_in| &signed_in.session),
        device: device(request),
    }
}

pub fn query(request: &HttpRequest) -> Result<Parameters, PageError> {
    Parameters::parse(request.query_string().as_bytes())
        .map_err(|why| PageError::bad_request(request, &why))
}
