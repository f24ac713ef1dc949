//! `/login/code`: signing in with a code that is mailed.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::check_mail::delay;
use super::forms::{EmailForm, Notice};
use super::login::sign_in_browser;
use super::pending::{Pending, after_sign_in, see_other, short};
use super::{Page, PageError, Policy, render};
use crate::domain::email_address::{EmailAddress, InvalidEmail};
use crate::domain::ids::EmailCodeId;
use crate::domain::tenant::EmailCode;
use crate::flows::Failure;
use crate::flows::account::email_code::{self, Outcome};
use crate::flows::account::throttle::{Asked, Credential, Guesser};
use crate::web::cookies::KnownDevice;
use crate::web::error::ApiError;
use crate::web::extract::browser::Browser;
use crate::web::extract::device;
use crate::web::extract::own_post::OwnPost;
use crate::web::extract::query::Query;
use crate::web::sentence::Sentence;
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/email_code.html")]
pub struct EmailCodePage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub request: Option<String>,
    pub next: Option<String>,
    /// The sign-in that waits for the code.
    pub sign_in: String,
    pub email: String,
    pub problem: Option<String>,
    /// Said of every address alike.
    pub delay: Option<String>,
    pub again_url: String,
    pub login_url: String,
}

/// Asks for the address; with `sign_in`, for the code.
pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    offered(&request, &browser)?;
    let pending = Pending::find(&request, &state, &browser, query.get("request"))
        .await?
        .leading_to(query.get("next"));
    match query.get("sign_in") {
        Some(id) => show(&request, &state, &browser, &pending, id, None).await,
        None => {
            let email = query.get("login_hint").map(short).unwrap_or_default();
            render(&request, &form(&browser, &pending, email, None), pending.policy())
        }
    }
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    post: OwnPost,
) -> Result<HttpResponse, PageError> {
    let browser = &post.browser;
    offered(&request, browser)?;
    let pending = Pending::find(&request, &state, browser, post.optional("request"))
        .await?
        .leading_to(post.optional("next"));
    match post.optional("sign_in") {
        Some(id) => attempt(&request, &state, &post, &pending, id).await,
        None => ask(&request, &state, &post, &pending).await,
    }
}

/// Where the tenant does not offer it, there is no such page.
fn offered(request: &HttpRequest, browser: &Browser) -> Result<(), PageError> {
    match browser.tenant().tenant.accounts.email_code {
        EmailCode::On => Ok(()),
        EmailCode::Off => Err(PageError::from_api(request, ApiError::NotFound)),
    }
}

/// The same page and the same work for every address.
async fn ask(
    request: &HttpRequest,
    state: &State,
    post: &OwnPost,
    pending: &Pending,
) -> Result<HttpResponse, PageError> {
    let (browser, context) = (&post.browser, &state.context);
    let email = match EmailAddress::parse(post.field("email")) {
        Ok(email) => email,
        Err(problem) => {
            let form = form(browser, pending, short(post.field("email")), Some(problem));
            return render(request, &form, pending.policy());
        }
    };
    let address = device::address(request);
    let (tenant, secret) = (browser.tenant(), &browser.secret);
    let asker = device::asker(address.as_deref());
    let asked = email_code::ask(context, tenant, &email, secret, asker)
        .await
        .map_err(|failure| PageError::failure(request, &failure))?;
    let id = match asked {
        Asked::Done(id) => id,
        Asked::TooMuch { retry_after } => return Err(PageError::wait(request, retry_after)),
    };
    let url = pending.url(browser, "login/code");
    let separator = if url.contains('?') { '&' } else { '?' };
    Ok(see_other(format!("{url}{separator}sign_in={id}")))
}

async fn attempt(
    request: &HttpRequest,
    state: &State,
    post: &OwnPost,
    pending: &Pending,
    id: &str,
) -> Result<HttpResponse, PageError> {
    let failed = |failure: Failure| PageError::failure(request, &failure);
    let (browser, typed) = (&post.browser, post.field("code"));
    let page = Page::of(browser.tenant());
    let Ok(sign_in) = EmailCodeId::parse(id) else { return over(request, browser, pending) };
    if typed.trim().is_empty() {
        let problem = Some(page.say("code-missing"));
        return show(request, state, browser, pending, id, problem).await;
    }
    let (tenant, secret) = (browser.tenant(), &browser.secret);
    let guesser = Guesser {
        address: device::address(request),
        known_device: KnownDevice::read(request, state, tenant),
        client: None,
    };
    let outcome = email_code::attempt(&state.context, tenant, sign_in, secret, typed, &guesser);
    match outcome.await.map_err(failed)? {
        Outcome::Proved(proof) => {
            let location = after_sign_in(tenant, pending.after_sign_in());
            sign_in_browser(request, state, browser, proof, location).await
        }
        Outcome::Wrong => {
            let problem = Some(page.say("code-wrong"));
            show(request, state, browser, pending, id, problem).await
        }
        Outcome::Over => over(request, browser, pending),
        Outcome::TooMany { retry_after } => {
            Err(PageError::wait_or_recover(request, retry_after, Credential::EmailCode))
        }
    }
}

async fn show(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    pending: &Pending,
    id: &str,
    problem: Option<String>,
) -> Result<HttpResponse, PageError> {
    let Ok(sign_in) = EmailCodeId::parse(id) else { return over(request, browser, pending) };
    let waiting =
        email_code::waiting(&state.context, browser.tenant(), sign_in, &browser.secret).await;
    let waiting = waiting.map_err(|failure| PageError::failure(request, &failure))?;
    let Some(email) = waiting else { return over(request, browser, pending) };
    let page = Page::of(browser.tenant());
    let page = EmailCodePage {
        delay: delay(request, &page),
        page,
        action: format!("{}/login/code", browser.tenant().base_path),
        csrf: browser.secret.clone(),
        request: pending.request.map(|id| id.to_string()),
        next: pending.next(),
        sign_in: id.to_owned(),
        email: email.to_string(),
        problem,
        again_url: pending.url(browser, "login/code"),
        login_url: pending.url(browser, "login"),
    };
    render(request, &page, pending.policy())
}

fn over(
    request: &HttpRequest,
    browser: &Browser,
    pending: &Pending,
) -> Result<HttpResponse, PageError> {
    let page = Page::of(browser.tenant());
    let notice = Notice {
        heading: page.say("code-over-title"),
        text: page.say("code-over-text"),
        url: pending.url(browser, "login/code"),
        label: page.say("code-again"),
        page,
    };
    render(request, &notice, Policy::StaysHere)
}

fn form(
    browser: &Browser,
    pending: &Pending,
    email: String,
    problem: Option<InvalidEmail>,
) -> EmailForm {
    let page = Page::of(browser.tenant());
    EmailForm {
        action: format!("{}/login/code", browser.tenant().base_path),
        csrf: browser.secret.clone(),
        request: pending.request.map(|id| id.to_string()),
        next: pending.next(),
        heading: page.say("code-ask-title"),
        lead: page.say("code-ask-lead"),
        label: page.say("email"),
        email,
        email_error: problem.map(|problem| page.say(problem.id())),
        autocomplete: "username",
        notice: None,
        submit: page.say("code-ask-submit"),
        back_url: pending.url(browser, "login"),
        back: page.say("code-with-password"),
        page,
    }
}
