//! `/verify-email`: what the letter after a sign-up leads to.

use actix_web::{HttpRequest, HttpResponse, web};

use super::check_mail::{self, CheckMail};
use super::forms::{ConfirmLink, Notice};
use super::pending::{Pending, after_sign_in, see_other, short};
use super::{Page, PageError, Policy, render};
use crate::domain::email_address::EmailAddress;
use crate::domain::one_time_token::Purpose;
use crate::flows::Failure;
use crate::flows::account::throttle::Asked;
use crate::flows::account::verification;
use crate::messages::id;
use crate::web::extract::browser::Browser;
use crate::web::extract::device;
use crate::web::extract::own_post::OwnPost;
use crate::web::extract::query::Query;
use crate::web::state::State;

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let token = query.get("token").unwrap_or_default();
    let found = verification::look(&state.context, browser.tenant(), token, Purpose::VerifyEmail)
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    let pending = Pending::if_here(&state, &browser, query.get("request"))
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    let login = || pending.url(&browser, "login");
    let Some(found) = found else { return spent(&request, &browser, login()) };
    let page = Page::of(browser.tenant());
    let confirm = ConfirmLink {
        action: format!("{}/verify-email", browser.tenant().base_path),
        csrf: browser.secret.clone(),
        token: token.to_owned(),
        request: pending.request.map(|id| id.to_string()),
        heading: page.say("verify-title"),
        text: id!("verify-lead"),
        email: found.email.to_string(),
        submit: page.say("verify-submit"),
        note: Some(page.say("verify-note")),
        instead: Some((
            page.say("verify-instead"),
            format!("{}/forgot-password", browser.tenant().base_path),
        )),
        page,
    };
    render(&request, &confirm, Policy::StaysHere)
}

/// The button of the link, or of "Send it again".
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    post: OwnPost,
) -> Result<HttpResponse, PageError> {
    let failed = |failure: Failure| PageError::failure(&request, &failure);
    let (browser, tenant) = (&post.browser, post.browser.tenant());
    let pending =
        Pending::if_here(&state, browser, post.optional("request")).await.map_err(failed)?;
    if post.optional("again").is_some() {
        return again(&request, &state, &post, &pending).await;
    }
    let address = device::address(&request);
    let token = post.field("token");
    let user = browser.signed_in.as_ref().map(|signed_in| signed_in.profile.user.id);
    let confirmed =
        verification::confirm(&state.context, tenant, token, user, address.as_deref()).await;
    let confirmed = confirmed.map_err(failed)?;
    if !confirmed {
        return spent(&request, browser, pending.url(browser, "login"));
    }
    let login = pending.url(browser, "login");
    let separator = if login.contains('?') { '&' } else { '?' };
    Ok(see_other(match &browser.signed_in {
        Some(_) => after_sign_in(tenant, pending.after_sign_in()),
        None => format!("{login}{separator}done=verified"),
    }))
}

async fn again(
    request: &HttpRequest,
    state: &State,
    post: &OwnPost,
    pending: &Pending,
) -> Result<HttpResponse, PageError> {
    let page = Page::of(post.browser.tenant());
    let email = EmailAddress::parse(post.field("email"))
        .map_err(|problem| PageError::bad_request(request, &problem))?;
    let id = pending.request.map(|id| id.to_string());
    let (address, tenant) = (device::address(request), post.browser.tenant());
    let asker = device::asker(address.as_deref());
    let asked = verification::ask(&state.context, tenant, &email, id.clone(), asker)
        .await
        .map_err(|failure| PageError::failure(request, &failure))?;
    if let Asked::TooMuch { retry_after } = asked {
        return Err(PageError::wait(request, retry_after));
    }
    let letter = CheckMail::Verify { email: &short(email.as_str()) };
    let sent = Some(page.say("check-mail-sent"));
    check_mail::show(request, &post.browser, letter, id.as_deref(), sent)
}

/// One page for a link that is unknown, used, too old, or of another purpose, address or tenant.
pub fn spent(
    request: &HttpRequest,
    browser: &Browser,
    way_on: String,
) -> Result<HttpResponse, PageError> {
    spent_with(request, browser, way_on, id!("back-to-sign-in"))
}

/// `label` is the id of the message that the way on is called by.
pub fn spent_with(
    request: &HttpRequest,
    browser: &Browser,
    way_on: String,
    label: &'static str,
) -> Result<HttpResponse, PageError> {
    let page = Page::of(browser.tenant());
    let notice = Notice {
        heading: page.say("link-spent-title"),
        text: page.say("link-spent-text"),
        url: way_on,
        label: page.say(label),
        page,
    };
    render(request, &notice, Policy::StaysHere)
}
