//! `/account/password`: another password, or a first one.

use actix_web::{HttpRequest, HttpResponse, web};

use super::account::done;
use super::forms::NewPasswordForm;
use super::{Page, PageError, Policy, render};
use crate::domain::password::PasswordProblem;
use crate::flows::account::authority::Acted;
use crate::flows::account::profile;
use crate::flows::account::session::SignedInBrowser;
use crate::web::extract::browser::Browser;
use crate::web::extract::device;
use crate::web::extract::owner::{FreshOwner, FreshOwnerPost, sign_in_again};
use crate::web::sentence::Sentence;
use crate::web::state::State;

pub async fn get(
    request: HttpRequest,
    FreshOwner(owner): FreshOwner,
) -> Result<HttpResponse, PageError> {
    show(&request, &owner.browser, &owner, None)
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    FreshOwnerPost(form): FreshOwnerPost,
) -> Result<HttpResponse, PageError> {
    let (browser, owner, password) = (&form.post.browser, &form.owner, form.post.field("password"));
    let address = device::address(&request);
    let (context, tenant) = (&state.context, browser.tenant());
    let changed = profile::change_password(context, tenant, owner, password, address.as_deref())
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    match changed {
        Ok(Acted::Done(())) => Ok(done(tenant, "password")),
        Ok(Acted::SignedOut) => Err(sign_in_again(&request, browser)),
        Err(problem) => show(&request, browser, owner, Some(problem)),
    }
}

fn show(
    request: &HttpRequest,
    browser: &Browser,
    owner: &SignedInBrowser,
    problem: Option<PasswordProblem>,
) -> Result<HttpResponse, PageError> {
    let (page, base) = (Page::of(browser.tenant()), &browser.tenant().base_path);
    let form = NewPasswordForm {
        action: format!("{base}/account/password"),
        csrf: browser.secret.clone(),
        token: None,
        request: None,
        heading: page.say("password-title"),
        email: owner.profile.user.email.to_string(),
        password_error: problem.map(|problem| problem.say(page.messages)),
        notice: None,
        submit: page.say("password-submit"),
        back_url: Some(format!("{base}/account")),
        page,
    };
    render(request, &form, Policy::StaysHere)
}
