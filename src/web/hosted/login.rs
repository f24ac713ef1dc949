//! `/login`: e-mail and password.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Page, PageError, Policy, render};
use crate::domain::ids::RequestId;
use crate::domain::parameters::Parameters;
use crate::flows::Failure;
use crate::flows::account::session;
use crate::flows::account::sign_in::{self, Credentials};
use crate::web::csrf;
use crate::web::error::ApiError;
use crate::web::extract::browser::Browser;
use crate::web::extract::device::device;
use crate::web::extract::form::Form;
use crate::web::oauth::authorize::{destination, own_origin};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/login.html")]
pub struct LoginPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub request: Option<String>,
    pub email: String,
    pub app_name: Option<String>,
    pub error: Option<String>,
    pub email_error: Option<String>,
    pub password_error: Option<String>,
    pub notice: Option<String>,
}

/// What the form shows beside its fields.
#[derive(Default)]
struct Messages {
    error: Option<&'static str>,
    email: Option<&'static str>,
    password: Option<&'static str>,
    notice: Option<&'static str>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
) -> Result<HttpResponse, PageError> {
    let query = Parameters::parse(request.query_string().as_bytes())
        .map_err(|why| PageError::bad_request(&request, &why.to_string()))?;
    if query.get("request").is_none() && browser.signed_in.is_some() {
        return Ok(see_other(format!("{}/account", browser.tenant().base_path)));
    }
    let email: String = query.get("login_hint").unwrap_or_default().chars().take(254).collect();
    show(&request, &state, &browser, query.get("request"), &email, Messages::default()).await
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    form: Result<Form, ApiError>,
) -> Result<HttpResponse, PageError> {
    let Form(form) = form.map_err(|error| PageError::from_api(&request, error))?;
    let field = |name: &str| form.get(name).unwrap_or_default();
    let tenant = browser.tenant();
    let pending = form.get("request");
    let (email, password) = (field("email"), field("password"));
    if !csrf::is_own_post(&request, own_origin(&state, tenant), &browser.secret, form.get("csrf")) {
        let messages = Messages {
            notice: Some(
                "This page had expired, or your browser blocks cookies. Please sign in again.",
            ),
            ..Messages::default()
        };
        return show(&request, &state, &browser, pending, &short(email), messages).await;
    }
    if email.trim().is_empty() || password.is_empty() {
        let messages = Messages {
            email: email.trim().is_empty().then_some("Enter your e-mail address."),
            password: password.is_empty().then_some("Enter your password."),
            ..Messages::default()
        };
        return show(&request, &state, &browser, pending, &short(email), messages).await;
    }
    let failed = |failure: Failure| PageError::failure(&request, &failure);
    let device = device(&request);
    let credentials = Credentials::parse(email, password);
    let user =
        sign_in::with_password(&state.context, tenant, credentials, device.address.as_deref())
            .await
            .map_err(failed)?;
    let Some(user) = user else {
        let messages = Messages {
            error: Some("That e-mail and password do not match."),
            ..Messages::default()
        };
        return show(&request, &state, &browser, pending, &short(email), messages).await;
    };
    let session = session::begin(&state.context, tenant, &user, browser.session_id(), device)
        .await
        .map_err(failed)?;
    browser.sign_in(session).map_err(failed)?;
    Ok(see_other(match pending {
        Some(id) => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("request", id)
                .finish();
            format!("{}/oauth2/authorize/continue?{query}", tenant.base_path)
        }
        None => format!("{}/account", tenant.base_path),
    }))
}

async fn show(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    pending: Option<&str>,
    email: &str,
    messages: Messages,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let id = pending.map(RequestId::parse).transpose().map_err(|_| PageError::stale(request))?;
    let destination = match id {
        Some(id) => {
            let found = destination(state, browser, id).await;
            let found = found.map_err(|failure| PageError::failure(request, &failure))?;
            Some(found.ok_or_else(|| PageError::stale(request))?)
        }
        None => None,
    };
    let page = LoginPage {
        page: Page::of(tenant),
        action: format!("{}/login", tenant.base_path),
        csrf: browser.secret.clone(),
        request: id.map(|id| id.to_string()),
        email: email.to_owned(),
        app_name: destination.as_ref().map(|destination| destination.application_name.clone()),
        error: messages.error.map(str::to_owned),
        email_error: messages.email.map(str::to_owned),
        password_error: messages.password.map(str::to_owned),
        notice: messages.notice.map(str::to_owned),
    };
    let policy = destination
        .as_ref()
        .map_or(Policy::StaysHere, |destination| Policy::LeadsTo(&destination.redirect_uri));
    render(request, &page, policy)
}

fn short(email: &str) -> String {
    email.chars().take(254).collect()
}

fn see_other(location: String) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}
