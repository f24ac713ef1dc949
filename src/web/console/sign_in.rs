//! Signing in to the console and out of it.

use actix_web::{HttpRequest, HttpResponse, web};

use super::access::{Account, Visitor};
use super::posted::Posted;
use super::view::{failed, see};
use crate::domain::audit::Action;
use crate::flows::console::sign_in::{self, Pending};
use crate::web::extract::device;
use crate::web::extract::query::Query;
use crate::web::hosted::PageError;
use crate::web::state::State;

/// Sign-ins that are under way, of several tabs, each under its `state`.
const PENDING: &str = "pending";
/// Of one browser. Those that began earlier begin anew by themselves.
const MOST_PENDING: usize = 8;

fn kept_under(state: &str) -> String {
    format!("{PENDING}-{state}")
}

/// Only pages of the console: nobody is led elsewhere.
fn own_page(next: &str) -> &str {
    let is_own =
        next == "/console" || next.starts_with("/console/") || next.starts_with("/console?");
    let is_plain = next.len() <= 500 && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if is_own && is_plain { next } else { "/console" }
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let next = own_page(query.get("next").unwrap_or("/console")).to_owned();
    let (pending, location) =
        sign_in::begin(&state.context, next).await.map_err(|problem| failed(&request, problem))?;
    let json = serde_json::to_string(&pending).map_err(|_| PageError::stale(&request))?;
    visitor.make_room(PENDING, MOST_PENDING);
    visitor
        .keep(&kept_under(&pending.state), &json)
        .map_err(|failure| PageError::failure(&request, &failure))?;
    Ok(see(location))
}

/// RFC 6749 §4.1.2, with the state of §10.12.
pub async fn callback(
    request: HttpRequest,
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let key = kept_under(query.get("state").unwrap_or_default());
    let pending: Option<Pending> =
        visitor.kept(&key).and_then(|json| serde_json::from_str(&json).ok());
    let Some(pending) = pending else { return Ok(see("/console".to_owned())) };
    visitor.forget(&key);
    let Some(code) = query.get("code") else { return Ok(see("/console".to_owned())) };
    let address = device::address(&request);
    let session = sign_in::complete(&state.context, &pending, code, address.as_deref())
        .await
        .map_err(|problem| failed(&request, problem))?;
    let session = session.ok_or_else(|| PageError::stale(&request))?;
    visitor.sign_in(session).map_err(|failure| PageError::failure(&request, &failure))?;
    Ok(see(pending.next))
}

/// Ends the session, and with it every other sign-in that hangs on it.
pub async fn sign_out(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Account>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &[])?;
    let (account, context) = (&posted.by, &state.context);
    let (id, now) = (account.session(), context.now());
    let user = account.browser.profile.user.id;
    let address = device::address(&request);
    let event = context.event(Action::SignedOut, user, id, address.as_deref());
    crate::flows::console::sign_in::end(context, account.console(), id, now, event)
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    account.visitor.sign_out();
    Ok(see(format!("{}/login", account.console().base_path)))
}
