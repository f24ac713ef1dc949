//! `/forgot-password`: asking for a link to choose a new password.

use actix_web::{HttpRequest, HttpResponse, web};

use super::check_mail::{self, CheckMail};
use super::forms::EmailForm;
use super::pending::{Pending, short};
use super::{Page, PageError, render};
use crate::domain::email_address::EmailAddress;
use crate::flows::account::recovery;
use crate::flows::account::throttle::Asked;
use crate::web::extract::browser::Browser;
use crate::web::extract::device;
use crate::web::extract::own_post::OwnPost;
use crate::web::extract::query::Query;
use crate::web::sentence::Sentence;
use crate::web::state::State;

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let pending = Pending::find(&request, &state, &browser, query.get("request")).await?;
    let pending = pending.leading_to(query.get("next"));
    let email = query.get("login_hint").map(short).unwrap_or_default();
    render(&request, &form(&browser, &pending, email, None), pending.policy())
}

/// The same page and the same work for every address.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    post: OwnPost,
) -> Result<HttpResponse, PageError> {
    let browser = &post.browser;
    let pending = Pending::if_here(&state, browser, post.optional("request"))
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    let email = match EmailAddress::parse(post.field("email")) {
        Ok(email) => email,
        Err(problem) => {
            let form = form(browser, &pending, short(post.field("email")), Some(problem));
            return render(&request, &form, pending.policy());
        }
    };
    let address = device::address(&request);
    let asker = device::asker(address.as_deref());
    let id = pending.request.map(|id| id.to_string());
    let asked = recovery::ask(&state.context, browser.tenant(), &email, id.clone(), asker)
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    if let Asked::TooMuch { retry_after } = asked {
        return Err(PageError::wait(&request, retry_after));
    }
    let letter = CheckMail::Recovery { email: email.as_str() };
    let again = post.optional("again").map(|_| Page::of(browser.tenant()).say("check-mail-sent"));
    check_mail::show(&request, browser, letter, id.as_deref(), again)
}

fn form(
    browser: &Browser,
    pending: &Pending,
    email: String,
    problem: Option<crate::domain::email_address::InvalidEmail>,
) -> EmailForm {
    let page = Page::of(browser.tenant());
    EmailForm {
        action: format!("{}/forgot-password", browser.tenant().base_path),
        csrf: browser.secret.clone(),
        request: pending.request.map(|id| id.to_string()),
        next: pending.next(),
        heading: page.say("forgot-title"),
        lead: page.say("forgot-lead"),
        label: page.say("email"),
        email,
        email_error: problem.map(|problem| page.say(problem.id())),
        autocomplete: "username",
        notice: None,
        submit: page.say("forgot-submit"),
        back_url: pending.url(browser, "login"),
        back: page.say("back-to-sign-in"),
        page,
    }
}
