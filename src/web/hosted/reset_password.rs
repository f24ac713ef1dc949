//! `/reset-password`: what the letter of a recovery leads to.

use actix_web::{HttpRequest, HttpResponse, web};

use super::forms::NewPasswordForm;
use super::pending::{Pending, see_other};
use super::verify_email::spent_with;
use super::{Page, PageError, Policy, render};
use crate::domain::one_time_token::Purpose;
use crate::domain::password::PasswordProblem;
use crate::flows::Failure;
use crate::flows::account::recovery::{self, Outcome};
use crate::flows::account::verification;
use crate::messages::id;
use crate::web::cookies::KnownDevice;
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
    let pending = Pending::if_here(&state, &browser, query.get("request"))
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    let token = query.get("token").unwrap_or_default();
    show(&request, &state, &browser, &pending, token, None).await
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    post: OwnPost,
) -> Result<HttpResponse, PageError> {
    let failed = |failure: Failure| PageError::failure(&request, &failure);
    let (context, browser) = (&state.context, &post.browser);
    let tenant = browser.tenant();
    let pending =
        Pending::if_here(&state, browser, post.optional("request")).await.map_err(failed)?;
    let (token, password) = (post.field("token"), post.field("password"));
    let address = device::address(&request);
    let outcome = recovery::reset(context, tenant, token, password, address.as_deref()).await;
    match outcome.map_err(failed)? {
        Outcome::Done(user) => {
            let login = pending.url(browser, "login");
            let separator = if login.contains('?') { '&' } else { '?' };
            let mut response = see_other(format!("{login}{separator}done=password"));
            KnownDevice::remember(&mut response, &state, tenant, user.id).map_err(failed)?;
            Ok(response)
        }
        Outcome::Problem(problem) => {
            show(&request, &state, browser, &pending, token, Some(problem)).await
        }
        Outcome::Spent => spent(&request, browser, &pending),
    }
}

async fn show(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    pending: &Pending,
    token: &str,
    problem: Option<PasswordProblem>,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let found = verification::look(&state.context, tenant, token, Purpose::ResetPassword)
        .await
        .map_err(|failure| PageError::failure(request, &failure))?;
    let Some(found) = found else { return spent(request, browser, pending) };
    let page = Page::of(tenant);
    let form = NewPasswordForm {
        action: format!("{}/reset-password", tenant.base_path),
        csrf: browser.secret.clone(),
        token: Some(token.to_owned()),
        request: pending.request.map(|id| id.to_string()),
        heading: page.say("reset-title"),
        email: found.email.to_string(),
        password_error: problem.map(|problem| problem.say(page.messages)),
        notice: None,
        submit: page.say("reset-submit"),
        back_url: None,
        page,
    };
    render(request, &form, Policy::StaysHere)
}

/// From a link that is worth nothing any more the way on is a new one.
fn spent(
    request: &HttpRequest,
    browser: &Browser,
    pending: &Pending,
) -> Result<HttpResponse, PageError> {
    let again = pending.url(browser, "forgot-password");
    spent_with(request, browser, again, id!("link-spent-again"))
}
