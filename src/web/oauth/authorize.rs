//! `GET, POST /oauth2/authorize`, and `/oauth2/authorize/continue`, where a request goes on after its user
//! has signed in or chosen.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::reply;
use crate::domain::authorization_request::{
    AuthorizationRequest, NextStep, PendingRequest, Progress, UserNeeded,
};
use crate::domain::ids::RequestId;
use crate::domain::parameters::Parameters;
use crate::domain::scope::Scope;
use crate::flows::oauth::authorize::{self, ReplyTo};
use crate::flows::oauth::consent;
use crate::flows::oauth::error::{ErrorCode, OAuthError};
use crate::flows::{Failure, TenantSnapshot};
use crate::web::csrf;
use crate::web::extract::browser::Browser;
use crate::web::extract::form::Form;
use crate::web::hosted::check_mail::{self, CheckMail};
use crate::web::hosted::{Page, PageError, Policy, afresh, render};
use crate::web::state::State;

/// "Continue as …": for `prompt=select_account` and `prompt=consent`.
#[derive(Template)]
#[template(path = "hosted/confirm.html")]
pub struct ConfirmPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub request: String,
    pub app_name: String,
    pub user_name: String,
    pub user_email: String,
    pub user_initial: String,
    pub scopes: Vec<String>,
}

/// A request of a browser, and how far it has come.
struct Attempt<'a> {
    request: &'a HttpRequest,
    state: &'a State,
    browser: &'a Browser,
    parameters: Parameters,
    pending: Option<RequestId>,
    progress: Progress,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
) -> Result<HttpResponse, PageError> {
    let parameters = query(&request)?;
    let progress = Progress::JustArrived;
    Attempt {
        request: &request,
        state: &state,
        browser: &browser,
        parameters,
        pending: None,
        progress,
    }
    .answer()
    .await
}

/// OpenID Connect Core §3.1.2.1 wants POST, too. A post from another site comes without our cookies
/// (`SameSite=Lax`), so a good one is sent through GET, where the browser shows them.
pub async fn post(
    request: HttpRequest,
    browser: Browser,
    form: Result<Form, crate::web::error::ApiError>,
) -> Result<HttpResponse, PageError> {
    let Form(parameters) = form.map_err(|error| PageError::from_api(&request, error))?;
    let tenant = browser.tenant();
    let reply_to =
        ReplyTo::find(tenant, &parameters).map_err(|why| PageError::bad_request(&request, &why))?;
    if let Err(error) = authorize::check(tenant, &reply_to, &parameters) {
        return reply::with_error(&request, tenant, &reply_to, &error);
    }
    let location = format!(
        "{}/oauth2/authorize?{}",
        tenant.base_path,
        parameters.only(&authorize::PARAMETERS).to_query()
    );
    Ok(see_other(location))
}

/// After a sign-in.
pub async fn resume(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
) -> Result<HttpResponse, PageError> {
    let id = query(&request)?.get("request").map(str::to_owned);
    let pending = pending(&request, &state, &browser, id.as_deref()).await?;
    let progress = Progress::Pending { since: pending.created_at };
    go_on(&request, &state, &browser, pending, progress).await
}

/// After a choice on the page "Continue as …".
pub async fn choose(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    form: Result<Form, crate::web::error::ApiError>,
) -> Result<HttpResponse, PageError> {
    let Form(form) = form.map_err(|error| PageError::from_api(&request, error))?;
    if !csrf::is_own_post(
        &request,
        own_origin(&state, browser.tenant()),
        &browser.secret,
        form.get("csrf"),
    ) {
        return Err(afresh::refuse(&request, &state, &browser, &form).await);
    }
    let pending = pending(&request, &state, &browser, form.get("request")).await?;
    match form.get("choice") {
        Some("continue") => {
            let progress = Progress::Confirmed { since: pending.created_at };
            go_on(&request, &state, &browser, pending, progress).await
        }
        Some("switch") => Ok(to_login(browser.tenant(), pending.id, None)),
        _ => {
            let parameters = stored_parameters(&pending)
                .map_err(|failure| PageError::failure(&request, &failure))?;
            let tenant = browser.tenant();
            let reply_to = ReplyTo::find(tenant, &parameters)
                .map_err(|why| PageError::bad_request(&request, &why))?;
            authorize::finish(&state.context, tenant, pending.id, browser.secret.clone())
                .await
                .map_err(|failure| PageError::failure(&request, &failure))?;
            let denied = OAuthError::new(ErrorCode::AccessDenied, "the user cancelled");
            reply::with_error(&request, tenant, &reply_to, &denied)
        }
    }
}

pub async fn go_on(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    pending: PendingRequest,
    progress: Progress,
) -> Result<HttpResponse, PageError> {
    let parameters =
        stored_parameters(&pending).map_err(|failure| PageError::failure(request, &failure))?;
    Attempt { request, state, browser, parameters, pending: Some(pending.id), progress }
        .answer()
        .await
}

impl Attempt<'_> {
    async fn answer(self) -> Result<HttpResponse, PageError> {
        let (request, tenant) = (self.request, self.browser.tenant());
        let reply_to = ReplyTo::find(tenant, &self.parameters)
            .map_err(|why| PageError::bad_request(request, &why))?;
        let asked = match authorize::check(tenant, &reply_to, &self.parameters) {
            Ok(asked) => asked,
            Err(error) => return reply::with_error(request, tenant, &reply_to, &error),
        };
        let session = self.browser.signed_in.as_ref().map(|browser| &browser.session);
        let (context, user) = (&self.state.context, session.map(|session| session.user_id));
        let consent = consent::state(context, tenant, &reply_to.application, &asked, user)
            .await
            .map_err(|failure| PageError::failure(request, &failure))?;
        let step = asked.next_step(session, consent, self.progress, context.now());
        let user = self.browser.signed_in.as_ref().map(|browser| &browser.profile.user);
        let step = match user {
            Some(user) if tenant.tenant.accounts.awaits_verification(user) => {
                asked.before_verification(step)
            }
            Some(_) | None => step,
        };
        self.take(step, asked, &reply_to).await
    }

    async fn take(
        self,
        step: NextStep,
        asked: AuthorizationRequest,
        reply_to: &ReplyTo,
    ) -> Result<HttpResponse, PageError> {
        let (request, tenant, context) = (self.request, self.browser.tenant(), &self.state.context);
        let failed = |failure: Failure| PageError::failure(request, &failure);
        match (step, &self.browser.signed_in) {
            (NextStep::Answer, Some(signed_in)) => {
                let code = authorize::issue_code(context, tenant, asked, &signed_in.session)
                    .await
                    .map_err(failed)?;
                if let Some(id) = self.pending {
                    let secret = self.browser.secret.clone();
                    authorize::finish(context, tenant, id, secret).await.map_err(failed)?;
                }
                reply::with_code(request, tenant, reply_to, &code)
            }
            (NextStep::Confirm, Some(_)) => {
                let id = self.keep().await.map_err(failed)?;
                self.confirm_page(id, &asked, reply_to)
            }
            (NextStep::Consent, Some(_)) => {
                let id = self.keep().await.map_err(failed)?;
                Ok(see_other(format!("{}/consent?request={id}", tenant.base_path)))
            }
            (NextStep::VerifyEmail, Some(signed_in)) => {
                let id = self.keep().await.map_err(failed)?.to_string();
                let email = signed_in.profile.user.email.as_str();
                check_mail::show(
                    request,
                    self.browser,
                    CheckMail::Needed { email },
                    Some(&id),
                    None,
                )
            }
            (NextStep::Refuse(UserNeeded::ToVerifyEmail), _) => {
                let error = OAuthError::new(
                    ErrorCode::InteractionRequired,
                    "the user must prove their e-mail address first",
                );
                reply::with_error(request, tenant, reply_to, &error)
            }
            (NextStep::Refuse(UserNeeded::ToSignIn), _) => {
                let error = OAuthError::new(
                    ErrorCode::LoginRequired,
                    "the user is not signed in, or must sign in again",
                );
                reply::with_error(request, tenant, reply_to, &error)
            }
            (NextStep::Refuse(UserNeeded::ToConsent), _) => {
                let error = OAuthError::new(
                    ErrorCode::ConsentRequired,
                    "the user has not allowed this application all that it asks for",
                );
                reply::with_error(request, tenant, reply_to, &error)
            }
            (
                NextStep::SignIn
                | NextStep::Answer
                | NextStep::Confirm
                | NextStep::Consent
                | NextStep::VerifyEmail,
                _,
            ) => {
                let id = self.keep().await.map_err(failed)?;
                let page = match &asked.provider {
                    Some(provider) => format!("federation/{provider}"),
                    None => "login".to_owned(),
                };
                Ok(to_page(tenant, &page, id, asked.login_hint.as_deref()))
            }
        }
    }

    async fn keep(&self) -> Result<RequestId, Failure> {
        match self.pending {
            Some(id) => Ok(id),
            None => {
                let secret = self.browser.secret.clone();
                authorize::keep(
                    &self.state.context,
                    self.browser.tenant(),
                    &self.parameters,
                    secret,
                )
                .await
            }
        }
    }

    fn confirm_page(
        &self,
        id: RequestId,
        asked: &AuthorizationRequest,
        reply_to: &ReplyTo,
    ) -> Result<HttpResponse, PageError> {
        let tenant = self.browser.tenant();
        let profile = self.browser.signed_in.as_ref().map(|browser| &browser.profile.user);
        let email = profile.map(|user| user.email.to_string()).unwrap_or_default();
        let name = profile
            .and_then(|user| user.name.as_ref())
            .map_or_else(|| email.clone(), ToString::to_string);
        let words = Page::of(tenant);
        let page = ConfirmPage {
            page: words.clone(),
            action: format!("{}/oauth2/authorize/continue", tenant.base_path),
            csrf: self.browser.secret.clone(),
            request: id.to_string(),
            app_name: reply_to.application.name.to_string(),
            user_initial: name.chars().take(1).flat_map(char::to_uppercase).collect(),
            user_name: name,
            user_email: email,
            scopes: asked.scopes.iter().filter_map(|scope| in_plain_words(&words, scope)).collect(),
        };
        render(self.request, &page, Policy::LeadsTo(&reply_to.redirect_uri))
    }
}

fn in_plain_words(page: &Page, scope: Scope) -> Option<String> {
    match scope {
        Scope::Profile => Some(page.say("confirm-scope-profile")),
        Scope::Email => Some(page.say("confirm-scope-email")),
        Scope::Roles => Some(page.say("confirm-scope-roles")),
        Scope::UpstreamTokens => Some(page.say("confirm-scope-upstream-tokens")),
        Scope::OpenId | Scope::OfflineAccess => None,
    }
}

pub fn own_origin<'a>(state: &'a State, tenant: &'a TenantSnapshot) -> &'a str {
    if tenant.base_path.is_empty() { &tenant.issuer } else { state.context.public_url.as_str() }
}

fn see_other(location: String) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// To the hosted login.
pub fn to_login(tenant: &TenantSnapshot, id: RequestId, hint: Option<&str>) -> HttpResponse {
    to_page(tenant, "login", id, hint)
}

fn to_page(tenant: &TenantSnapshot, page: &str, id: RequestId, hint: Option<&str>) -> HttpResponse {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("request", &id.to_string());
    if let Some(hint) = hint {
        query.append_pair("login_hint", hint);
    }
    see_other(format!("{}/{page}?{}", tenant.base_path, query.finish()))
}

pub async fn pending(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    id: Option<&str>,
) -> Result<PendingRequest, PageError> {
    let id =
        id.and_then(|id| RequestId::parse(id).ok()).ok_or_else(|| PageError::stale(request))?;
    let secret = browser.secret.clone();
    authorize::pending(&state.context, browser.tenant(), id, secret)
        .await
        .map_err(|failure| PageError::failure(request, &failure))?
        .ok_or_else(|| PageError::stale(request))
}

fn query(request: &HttpRequest) -> Result<Parameters, PageError> {
    Parameters::parse(request.query_string().as_bytes())
        .map_err(|why| PageError::bad_request(request, &why))
}

pub fn stored_parameters(pending: &PendingRequest) -> Result<Parameters, Failure> {
    Parameters::parse(pending.query.as_bytes()).map_err(|why| Failure::Internal(why.to_string()))
}

/// The application that a pending request is for, and where it leads: what the login page shows and allows.
pub struct Destination {
    pub application_name: String,
    pub redirect_uri: String,
}

pub async fn destination(
    state: &State,
    browser: &Browser,
    id: RequestId,
) -> Result<Option<Destination>, Failure> {
    let tenant = browser.tenant();
    let pending = authorize::pending(&state.context, tenant, id, browser.secret.clone()).await?;
    let Some(pending) = pending else { return Ok(None) };
    let reply_to = ReplyTo::find(tenant, &stored_parameters(&pending)?).ok();
    Ok(reply_to.map(|reply_to| Destination {
        application_name: reply_to.application.name.to_string(),
        redirect_uri: reply_to.redirect_uri,
    }))
}
