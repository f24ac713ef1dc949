//! `/account`: looking after oneself.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::check_mail::delay;
use super::pending::see_other;
use super::{Page, PageError, Policy, render, words};
use crate::domain::ids::{ApplicationId, SessionId};
use crate::domain::tenant::{DisplayName, InvalidName};
use crate::flows::account::authority::Acted;
use crate::flows::account::profile::{self, ConnectedApplication, Ended, Overview};
use crate::flows::account::session::SignedInBrowser;
use crate::flows::account::throttle::Asked;
use crate::flows::account::verification;
use crate::flows::{Failure, TenantSnapshot};
use crate::storage::ListedSession;
use crate::web::extract::browser::Browser;
use crate::web::extract::device;
use crate::web::extract::owner::{Owner, OwnerPost, sign_in_again};
use crate::web::extract::query::Query;
use crate::web::sentence::Sentence;
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/account.html")]
pub struct AccountPage {
    pub page: Page,
    pub base: String,
    pub csrf: String,
    pub notice: Option<String>,
    pub leaving_at: Option<String>,
    pub name: String,
    pub name_error: Option<String>,
    pub email: String,
    pub email_verified: bool,
    pub has_password: bool,
    pub roles: Vec<String>,
    pub sessions: Vec<SessionLine>,
    pub has_older_sessions: bool,
    pub apps: Vec<AppLine>,
}

pub struct SessionLine {
    pub id: String,
    pub device: String,
    pub address: Option<String>,
    pub seen_at: String,
    pub is_this: bool,
}

pub struct AppLine {
    pub id: String,
    pub name: String,
    pub used: String,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    owner: Owner,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let page = Page::of(owner.browser.tenant());
    let notice = query.get("done").and_then(|done| match done {
        "name" => Some(page.say("account-name-saved")),
        "verify" => delay(&request, &page).or_else(|| Some(page.say("account-verify-sent"))),
        "sessions" => Some(page.say("account-sessions-ended")),
        "app" => Some(page.say("account-app-removed")),
        "password" => Some(page.say("password-changed")),
        "kept" => Some(page.say("account-kept")),
        _ => None,
    });
    show(&request, &state, &owner.browser, &owner, notice, None).await
}

/// The name, or another link to verify the address.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    OwnerPost { post, owner }: OwnerPost,
) -> Result<HttpResponse, PageError> {
    let failed = |failure: Failure| PageError::failure(&request, &failure);
    let (context, browser) = (&state.context, &post.browser);
    let tenant = browser.tenant();
    if post.field("choice") == "verify" {
        let email = &owner.profile.user.email;
        let address = device::address(&request);
        let asker = device::asker(address.as_deref());
        let asked = verification::ask(context, tenant, email, None, asker).await;
        return match asked.map_err(failed)? {
            Asked::Done(()) => Ok(done(tenant, "verify")),
            Asked::TooMuch { retry_after } => Err(PageError::wait(&request, retry_after)),
        };
    }
    let typed = post.field("name");
    let name = match typed.trim() {
        "" => Ok(None),
        name => DisplayName::parse(name).map(Some),
    };
    match name {
        Ok(name) => {
            let address = device::address(&request);
            let renamed = profile::rename(context, tenant, &owner, name, address.as_deref());
            match renamed.await.map_err(failed)? {
                Acted::Done(()) => Ok(done(tenant, "name")),
                Acted::SignedOut => Err(sign_in_again(&request, browser)),
            }
        }
        Err(InvalidName) => {
            let wrong = typed.chars().take(300).collect();
            show(&request, &state, browser, &owner, None, Some(wrong)).await
        }
    }
}

pub async fn end_sessions(
    request: HttpRequest,
    state: web::Data<State>,
    OwnerPost { post, owner }: OwnerPost,
) -> Result<HttpResponse, PageError> {
    let tenant = post.browser.tenant();
    let which = match post.field("end") {
        "others" => Some(Ended::AllOthers),
        id => SessionId::parse(id).ok().map(Ended::One),
    };
    if let Some(which) = which {
        let address = device::address(&request);
        let ended =
            profile::end_sessions(&state.context, tenant, &owner, which, address.as_deref())
                .await
                .map_err(|failure| PageError::failure(&request, &failure))?;
        if ended == Acted::SignedOut {
            return Err(sign_in_again(&request, &post.browser));
        }
    }
    Ok(done(tenant, "sessions"))
}

pub async fn disconnect(
    request: HttpRequest,
    state: web::Data<State>,
    OwnerPost { post, owner }: OwnerPost,
) -> Result<HttpResponse, PageError> {
    let tenant = post.browser.tenant();
    if let Ok(id) = ApplicationId::parse(post.field("remove")) {
        let address = device::address(&request);
        let disconnected =
            profile::disconnect(&state.context, tenant, &owner, id, address.as_deref())
                .await
                .map_err(|failure| PageError::failure(&request, &failure))?;
        if disconnected == Acted::SignedOut {
            return Err(sign_in_again(&request, &post.browser));
        }
    }
    Ok(done(tenant, "app"))
}

/// All that is known of the user, as a file.
pub async fn download(
    request: HttpRequest,
    state: web::Data<State>,
    owner: Owner,
) -> Result<HttpResponse, PageError> {
    let data = profile::download(&state.context, owner.browser.tenant(), &owner)
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"account.json\""))
        .content_type("application/json")
        .body(format!("{data:#}\n")))
}

pub fn done(tenant: &TenantSnapshot, what: &str) -> HttpResponse {
    see_other(format!("{}/account?done={what}", tenant.base_path))
}

async fn show(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    owner: &SignedInBrowser,
    notice: Option<String>,
    wrong_name: Option<String>,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let Overview { sessions, applications, has_password } =
        profile::overview(&state.context, tenant, owner)
            .await
            .map_err(|failure| PageError::failure(request, &failure))?;
    let (page, user) = (Page::of(tenant), &owner.profile.user);
    let name = user.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let view = AccountPage {
        base: tenant.base_path.clone(),
        csrf: browser.secret.clone(),
        notice,
        leaving_at: user.deletes_at.map(|at| at.to_string()),
        name_error: wrong_name.as_ref().map(|_| page.say(InvalidName.id())),
        name: wrong_name.unwrap_or(name),
        email: user.email.to_string(),
        email_verified: user.email_verified,
        has_password,
        roles: owner.profile.roles.iter().map(ToString::to_string).collect(),
        sessions: sessions.sessions.iter().map(|listed| line(&page, listed, owner)).collect(),
        has_older_sessions: sessions.has_older,
        apps: applications.iter().map(|application| app_line(&page, application)).collect(),
        page,
    };
    render(request, &view, Policy::StaysHere)
}

fn line(page: &Page, listed: &ListedSession, owner: &SignedInBrowser) -> SessionLine {
    let ListedSession { session, device } = listed;
    SessionLine {
        id: session.id.to_string(),
        device: device
            .user_agent
            .as_deref()
            .and_then(words::device)
            .unwrap_or_else(|| page.say("account-session-unknown")),
        address: device.address.clone(),
        seen_at: session.last_seen_at.to_string(),
        is_this: session.id == owner.session.id,
    }
}

fn app_line(page: &Page, application: &ConnectedApplication) -> AppLine {
    AppLine {
        id: application.id.to_string(),
        name: application.name.clone(),
        used: match application.last_used_at {
            Some(at) => page.say_with("account-app-used", "at", &at.to_string()),
            None => page.say("account-app-unused"),
        },
    }
}
