//! `/consent`: what a third party's application may see.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Page, PageError, Policy, render};
use crate::domain::application::Party;
use crate::domain::authorization_request::{AuthorizationRequest, PendingRequest, Progress};
use crate::domain::scope::Scope;
use crate::flows::Failure;
use crate::flows::account::authority::Acted;
use crate::flows::account::session::SignedInBrowser;
use crate::flows::oauth::authorize::{self, ReplyTo};
use crate::flows::oauth::consent::{self, Choice};
use crate::flows::oauth::error::{ErrorCode, OAuthError};
use crate::web::extract::browser::Browser;
use crate::web::extract::device;
use crate::web::extract::own_post::OwnPost;
use crate::web::extract::query::Query;
use crate::web::oauth::authorize::{go_on, pending, stored_parameters, to_login};
use crate::web::oauth::reply;
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/consent.html")]
pub struct ConsentPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub request: String,
    pub app_name: String,
    pub user_email: String,
    pub user_initial: String,
    pub scopes: Vec<String>,
}

/// A request that waits for its user's consent.
struct Waiting {
    pending: PendingRequest,
    reply_to: ReplyTo,
    asked: AuthorizationRequest,
    user: SignedInBrowser,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let waiting = waiting(&request, &state, &browser, query.get("request")).await?;
    let page = Page::of(browser.tenant());
    let email = waiting.user.profile.user.email.to_string();
    let view = ConsentPage {
        action: format!("{}/consent", browser.tenant().base_path),
        csrf: browser.secret.clone(),
        request: waiting.pending.id.to_string(),
        app_name: waiting.reply_to.application.name.to_string(),
        user_initial: email.chars().take(1).flat_map(char::to_uppercase).collect(),
        user_email: email,
        scopes: waiting.asked.scopes.iter().map(|scope| in_plain_words(&page, scope)).collect(),
        page,
    };
    render(&request, &view, Policy::LeadsTo(&waiting.reply_to.redirect_uri))
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    post: OwnPost,
) -> Result<HttpResponse, PageError> {
    let failed = |failure: Failure| PageError::failure(&request, &failure);
    let (context, browser, tenant) = (&state.context, &post.browser, post.browser.tenant());
    let Waiting { pending, reply_to, asked, user } =
        waiting(&request, &state, browser, post.optional("request")).await?;
    let choice = match post.field("choice") {
        "allow" => Choice::Allow,
        "switch" => return Ok(to_login(tenant, pending.id, None)),
        _ => Choice::Deny,
    };
    let address = device::address(&request);
    let chosen = consent::choose(context, tenant, &asked, &user, choice, address.as_deref());
    if chosen.await.map_err(failed)? == Acted::SignedOut {
        return Ok(to_login(tenant, pending.id, None));
    }
    match choice {
        Choice::Allow => {
            let progress = Progress::Confirmed { since: pending.created_at };
            go_on(&request, &state, browser, pending, progress).await
        }
        Choice::Deny => {
            authorize::finish(context, tenant, pending.id, browser.secret.clone())
                .await
                .map_err(failed)?;
            let denied = OAuthError::new(ErrorCode::AccessDenied, "the user did not allow it");
            reply::with_error(&request, tenant, &reply_to, &denied)
        }
    }
}

async fn waiting(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    id: Option<&str>,
) -> Result<Waiting, PageError> {
    let pending = pending(request, state, browser, id).await?;
    let elsewhere = |page: &str| {
        let base = &browser.tenant().base_path;
        PageError::elsewhere(format!("{base}/{page}?request={}", pending.id))
    };
    let parameters =
        stored_parameters(&pending).map_err(|failure| PageError::failure(request, &failure))?;
    let tenant = browser.tenant();
    let reply_to =
        ReplyTo::find(tenant, &parameters).map_err(|why| PageError::bad_request(request, &why))?;
    // The tenant's own applications need no consent.
    if reply_to.application.party == Party::First {
        return Err(elsewhere("oauth2/authorize/continue"));
    }
    let Some(user) = browser.signed_in.clone() else { return Err(elsewhere("login")) };
    let asked = authorize::check(tenant, &reply_to, &parameters)
        .map_err(|error| PageError::from_api(request, error.into()))?;
    Ok(Waiting { pending, reply_to, asked, user })
}

fn in_plain_words(page: &Page, scope: Scope) -> String {
    match scope {
        Scope::OpenId => page.say("scope-openid"),
        Scope::Profile => page.say("scope-profile"),
        Scope::Email => page.say("scope-email"),
        Scope::Roles => page.say("scope-roles"),
        Scope::OfflineAccess => page.say("scope-offline-access"),
        Scope::UpstreamTokens => page.say("scope-upstream-tokens"),
    }
}
