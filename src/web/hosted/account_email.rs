//! `/account/email`: another address. The new one proves itself by a mailed link.

use actix_web::{HttpRequest, HttpResponse, web};

use super::check_mail::{self, CheckMail};
use super::forms::{ConfirmLink, EmailForm, Notice};
use super::pending::short;
use super::verify_email::spent;
use super::{Page, PageError, Policy, render};
use crate::domain::email_address::EmailAddress;
use crate::domain::one_time_token::Purpose;
use crate::flows::account::authority::Acted;
use crate::flows::account::email_change::Confirmed;
use crate::flows::account::session::SignedInBrowser;
use crate::flows::account::throttle::Asked;
use crate::flows::account::{email_change, verification};
use crate::flows::{Failure, TenantSnapshot};
use crate::messages::id;
use crate::web::extract::browser::Browser;
use crate::web::extract::device;
use crate::web::extract::own_post::OwnPost;
use crate::web::extract::owner::{FreshOwner, FreshOwnerPost, sign_in_again};
use crate::web::extract::query::Query;
use crate::web::sentence::Sentence;
use crate::web::state::State;

/// Where the account moves to is asked of its owner.
pub async fn get(
    request: HttpRequest,
    FreshOwner(owner): FreshOwner,
) -> Result<HttpResponse, PageError> {
    render(&request, &form(&owner.browser, &owner, "", None), Policy::StaysHere)
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    FreshOwnerPost(form_post): FreshOwnerPost,
) -> Result<HttpResponse, PageError> {
    let (post, owner) = (&form_post.post, &form_post.owner);
    let (browser, typed) = (&post.browser, post.field("email"));
    let page = Page::of(browser.tenant());
    let user = &owner.profile.user;
    let problem = match EmailAddress::parse(typed) {
        Ok(email) if email.key() == user.email.key() => page.say("problem-email-same"),
        Ok(email) => {
            let address = device::address(&request);
            let asker = device::asker(address.as_deref());
            let asked = email_change::ask(&state.context, browser.tenant(), owner, &email, asker)
                .await
                .map_err(|failure| PageError::failure(&request, &failure))?;
            match asked {
                Acted::Done(Asked::Done(())) => {}
                Acted::Done(Asked::TooMuch { retry_after }) => {
                    return Err(PageError::wait(&request, retry_after));
                }
                Acted::SignedOut => return Err(sign_in_again(&request, browser)),
            }
            let letter = CheckMail::Change { email: &short(typed) };
            let again = post.optional("again").map(|_| page.say("check-mail-sent"));
            return check_mail::show(&request, browser, letter, None, again);
        }
        Err(problem) => page.say(problem.id()),
    };
    render(&request, &form(browser, owner, typed, Some(problem)), Policy::StaysHere)
}

/// What the letter leads to.
pub async fn look(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let (tenant, token) = (browser.tenant(), query.get("token").unwrap_or_default());
    let found = verification::look(&state.context, tenant, token, Purpose::ChangeEmail)
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    let Some(found) = found else { return spent(&request, &browser, account(tenant)) };
    let is_owner = browser.signed_in.as_ref().is_some_and(|it| it.profile.user.id == found.user_id);
    if !is_owner {
        return elsewhere(&request, &browser);
    }
    let page = Page::of(tenant);
    let confirm = ConfirmLink {
        action: format!("{}/account/email/confirm", tenant.base_path),
        csrf: browser.secret.clone(),
        token: token.to_owned(),
        request: None,
        heading: page.say("email-confirm-title"),
        text: id!("email-confirm-lead"),
        email: found.email.to_string(),
        submit: page.say("email-confirm-submit"),
        note: None,
        instead: None,
        page,
    };
    render(&request, &confirm, Policy::StaysHere)
}

pub async fn confirm(
    request: HttpRequest,
    state: web::Data<State>,
    post: OwnPost,
) -> Result<HttpResponse, PageError> {
    let failed = |failure: Failure| PageError::failure(&request, &failure);
    let (browser, address) = (&post.browser, device::address(&request));
    let (tenant, token) = (browser.tenant(), post.field("token"));
    let (owner, address) = (browser.signed_in.as_ref(), address.as_deref());
    let confirmed = email_change::confirm(&state.context, tenant, owner, token, address).await;
    let email = match confirmed.map_err(failed)? {
        Confirmed::Changed(email) => email,
        Confirmed::Elsewhere => return elsewhere(&request, browser),
        Confirmed::Spent => return spent(&request, browser, account(tenant)),
    };
    let page = Page::of(tenant);
    let notice = Notice {
        heading: page.say("email-changed-title"),
        text: page.say_with("email-changed-text", "email", email.as_str()),
        url: account(tenant),
        label: page.say("account-title"),
        page,
    };
    render(&request, &notice, Policy::StaysHere)
}

/// In a browser that is not signed in as the account.
fn elsewhere(request: &HttpRequest, browser: &Browser) -> Result<HttpResponse, PageError> {
    let page = Page::of(browser.tenant());
    let notice = Notice {
        heading: page.say("email-elsewhere-title"),
        text: page.say("email-elsewhere-text"),
        url: account(browser.tenant()),
        label: page.say("email-elsewhere-way"),
        page,
    };
    render(request, &notice, Policy::StaysHere)
}

fn account(tenant: &TenantSnapshot) -> String {
    format!("{}/account", tenant.base_path)
}

fn form(
    browser: &Browser,
    owner: &SignedInBrowser,
    typed: &str,
    problem: Option<String>,
) -> EmailForm {
    let (page, base) = (Page::of(browser.tenant()), &browser.tenant().base_path);
    let now = owner.profile.user.email.as_str();
    EmailForm {
        action: format!("{base}/account/email"),
        csrf: browser.secret.clone(),
        request: None,
        next: None,
        heading: page.say("email-title"),
        lead: page.say_with("email-lead", "email", now),
        label: page.say("email-new"),
        email: short(typed),
        email_error: problem,
        autocomplete: "email",
        notice: None,
        submit: page.say("email-submit"),
        back_url: format!("{base}/account"),
        back: page.say("back"),
        page,
    }
}
