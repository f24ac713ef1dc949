//! What all hosted pages share: the tenant's name, the policy of what they may do, and the page that says
//! what went wrong.

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use askama::filters::Safe;

use super::logo::Shown;
use super::words::{NotInOrder, TooLarge};
use crate::domain::password::MinLength;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::tenant::{Accent, DisplayName, EmailCode};
use crate::flows::account::throttle::Credential;
use crate::flows::{Failure, TenantSnapshot};
use crate::messages::{Messages, id};
use crate::web::assets::{self, ICON, SCRIPT, STYLESHEET};
use crate::web::error::{self, ApiError};
use crate::web::extract::upload::FILE_TOO_LARGE;
use crate::web::request_log::RequestId;
use crate::web::sentence::Sentence;

/// What the layout shows.
#[derive(Clone)]
pub struct Page {
    pub tenant_name: String,
    pub monogram: String,
    /// In the place of the monogram.
    pub logo: Option<Shown>,
    /// In the tenant's colour, if it has one.
    pub accent_stylesheet: Option<String>,
    /// What a password that is chosen here has at least.
    pub password_min_length: MinLength,
    pub messages: &'static Messages,
    pub stylesheet: &'static str,
    pub script: &'static str,
    pub icon: &'static str,
}

impl Page {
    pub fn of(tenant: &TenantSnapshot) -> Self {
        let own = &tenant.tenant;
        let path = || format!("{}/logo.png", tenant.base_path);
        let logo = own.logo.as_ref().map(|version| Shown::at(&path(), version));
        let password_min_length = own.accounts.password_min_length;
        Self { password_min_length, ..Self::branded(&own.name, own.accent, logo) }
    }

    /// The text of that name in the reader's language.
    pub fn say(&self, id: &str) -> String {
        self.messages.say(id)
    }

    /// With one variable.
    pub fn say_with(&self, id: &str, name: &str, value: &str) -> String {
        self.messages.say_with(id, name, value)
    }

    pub fn say_with_two(&self, id: &str, one: (&str, &str), other: (&str, &str)) -> String {
        self.messages.say_with_two(id, one, other)
    }

    /// What a new password must be.
    pub fn password_hint(&self) -> String {
        let least = u64::from(self.password_min_length.characters());
        self.say_count("sign-up-hint", "least", least)
    }

    /// With a number, which decides between one and many.
    pub fn say_count(&self, id: &str, name: &str, count: u64) -> String {
        self.messages.say_with(id, name, count)
    }

    /// With one variable, emphasised.
    pub fn strong(&self, id: &str, name: &str, value: &str) -> Safe<String> {
        let (before, after) = self.messages.around(id, name);
        let [before, value, after] = [&*before, value, &*after].map(escaped);
        Safe(format!("{before}<strong>{value}</strong>{after}"))
    }

    /// How long to wait, in words.
    pub fn wait(&self, seconds: u64) -> String {
        match seconds {
            ..=90 => self.say_count("wait-seconds", "count", seconds),
            _ => self.say_count("wait-minutes", "count", seconds.div_ceil(60)),
        }
    }

    /// As a tenant of that name, colour and logo would have it.
    pub fn branded(name: &DisplayName, accent: Option<Accent>, logo: Option<Shown>) -> Self {
        let accent_stylesheet = accent.map(assets::accent_path);
        Self { accent_stylesheet, logo, ..Self::named(name.to_string(), name.initial()) }
    }

    /// Where there is no tenant to speak for.
    pub fn doorward() -> Self {
        Self::named("Doorward".to_owned(), "D".to_owned())
    }

    /// In the tenant's name, where the request has found its tenant.
    fn for_request(request: &HttpRequest) -> Self {
        let extensions = request.extensions();
        extensions
            .get::<Arc<TenantSnapshot>>()
            .map_or_else(Self::doorward, |tenant| Self::of(tenant))
    }

    fn named(tenant_name: String, monogram: String) -> Self {
        Self {
            tenant_name,
            monogram,
            logo: None,
            accent_stylesheet: None,
            password_min_length: MinLength::default(),
            messages: Messages::english(),
            stylesheet: &STYLESHEET.path,
            script: &SCRIPT.path,
            icon: &ICON.path,
        }
    }
}

fn escaped(text: &str) -> String {
    match askama::filters::escape(text, askama::filters::Html) {
        Ok(text) => text.to_string(),
        Err(never) => match never {},
    }
}

/// Where a page's forms may lead.
#[derive(Clone, Copy)]
pub enum Policy<'a> {
    StaysHere,
    /// On to an application's redirect URI. Browsers hold `form-action` against every redirect that
    /// follows a form, also those that the application makes next, hence all of https.
    LeadsTo(&'a str),
    /// On to a provider, whose page is on one of these origins or anywhere by https.
    LeadsToAny(&'a [String]),
}

pub fn render(
    request: &HttpRequest,
    template: &impl Template,
    policy: Policy<'_>,
) -> Result<HttpResponse, PageError> {
    render_as(request, StatusCode::OK, template, policy)
}

pub fn render_as(
    request: &HttpRequest,
    status: StatusCode,
    template: &impl Template,
    policy: Policy<'_>,
) -> Result<HttpResponse, PageError> {
    let body = template
        .render()
        .map_err(|error| PageError::failure(request, &Failure::Internal(error.to_string())))?;
    Ok(respond(status, policy, body))
}

fn respond(status: StatusCode, policy: Policy<'_>, body: String) -> HttpResponse {
    let form_action = match policy {
        Policy::StaysHere => "'self'".to_owned(),
        Policy::LeadsTo(uri) => {
            let source = RedirectUri::form_action_source(uri).unwrap_or_default();
            format!("'self' https: {source}")
        }
        Policy::LeadsToAny(urls) => {
            let sources: Vec<String> =
                urls.iter().filter_map(|url| RedirectUri::form_action_source(url)).collect();
            format!("'self' https: {}", sources.join(" "))
        }
    };
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            format!(
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                 base-uri 'none'; frame-ancestors 'none'; form-action {form_action}"
            ),
        ))
        .body(body)
}

#[derive(Template)]
#[template(path = "hosted/error.html")]
pub struct ErrorPage {
    pub page: Page,
    pub heading: String,
    pub message: String,
    pub advice: String,
    /// Label and address of the ways on, the best one first.
    pub ways: Vec<(String, String)>,
    pub reference: String,
}

/// An answer to a person.
pub struct PageError {
    status: StatusCode,
    retry_after: Option<u64>,
    /// Where to go instead.
    location: Option<String>,
    /// A tenant that does not exist is a plain 404, not a page of ours.
    page: Option<Box<ErrorPage>>,
}

/// Heading, message and advice of an error page.
type Texts = [String; 3];

impl PageError {
    fn new(request: &HttpRequest, status: StatusCode, texts: impl Fn(&Page) -> Texts) -> Self {
        let page = Page::for_request(request);
        let [heading, message, advice] = texts(&page);
        let reference = RequestId::of(request);
        let page = ErrorPage { page, heading, message, advice, ways: Vec::new(), reference };
        Self { status, retry_after: None, location: None, page: Some(Box::new(page)) }
    }

    /// With a way on to another page of the tenant, if there is a tenant.
    fn or(mut self, request: &HttpRequest, label: &'static str, path: &str) -> Self {
        let extensions = request.extensions();
        let tenant = extensions.get::<Arc<TenantSnapshot>>();
        if let (Some(page), Some(tenant)) = (&mut self.page, tenant) {
            page.ways.push((page.page.say(label), format!("{}/{path}", tenant.base_path)));
        }
        self
    }

    /// With one way on, by its label.
    pub fn leading_to(mut self, label: &'static str, url: String) -> Self {
        if let Some(page) = &mut self.page {
            page.ways = vec![(page.page.say(label), url)];
        }
        self
    }

    /// Not an error, but not what was asked for either: the browser is sent elsewhere.
    pub fn elsewhere(location: String) -> Self {
        let status = StatusCode::SEE_OTHER;
        Self { status, retry_after: None, location: Some(location), page: None }
    }

    pub fn bad_request(request: &HttpRequest, why: &impl Sentence) -> Self {
        Self::new(request, StatusCode::BAD_REQUEST, |page| {
            [page.say("error-link-title"), page.say(why.id()), page.say("error-link-advice")]
        })
    }

    pub fn forged(request: &HttpRequest) -> Self {
        Self::new(request, StatusCode::FORBIDDEN, |page| {
            [
                page.say("error-forged-title"),
                page.say("error-forged-text"),
                page.say("error-forged-advice"),
            ]
        })
    }

    /// The sign-in that this page belonged to is over.
    pub fn stale(request: &HttpRequest) -> Self {
        Self::new(request, StatusCode::BAD_REQUEST, |page| {
            [
                page.say("error-stale-title"),
                page.say("error-stale-text"),
                page.say("error-stale-advice"),
            ]
        })
        .or(request, id!("back-to-sign-in"), "login")
    }

    /// The tenant has no such provider (any more).
    pub fn no_provider(request: &HttpRequest) -> Self {
        Self::new(request, StatusCode::NOT_FOUND, |page| {
            [
                page.say("error-no-provider-title"),
                page.say("error-no-provider-text"),
                page.say("error-no-provider-advice"),
            ]
        })
        .or(request, id!("back-to-sign-in"), "login")
    }

    /// Too many tries.
    pub fn wait(request: &HttpRequest, retry_after: u64) -> Self {
        let mut error = Self::new(request, StatusCode::TOO_MANY_REQUESTS, |page| {
            [
                page.say("error-wait-title"),
                page.say_with("error-wait-text", "wait", &page.wait(retry_after)),
                page.say("error-wait-advice"),
            ]
        });
        error.retry_after = Some(retry_after);
        error
    }

    /// Too many tries at an account: its owner gets in by mail all the same.
    pub fn wait_or_recover(request: &HttpRequest, retry_after: u64, tried: Credential) -> Self {
        let mut error = Self::wait(request, retry_after);
        let tenant = request.extensions().get::<Arc<TenantSnapshot>>().cloned();
        if let (Some(page), Some(tenant)) = (&mut error.page, tenant) {
            let way = |label: &str, path: &str| {
                (page.page.say(label), format!("{}/{path}", tenant.base_path))
            };
            // What was tried is used up, and what was not is not.
            let other = match (tried, tenant.tenant.accounts.email_code) {
                (Credential::Password, EmailCode::On) => {
                    Some(way(id!("error-wait-code"), "login/code"))
                }
                (Credential::Password, EmailCode::Off) => None,
                (Credential::EmailCode, _) => Some(way(id!("code-with-password"), "login")),
            };
            let recover = way(id!("error-wait-recover"), "forgot-password");
            page.ways = other.into_iter().chain([recover]).collect();
        }
        error
    }

    /// What was sent could not be taken; the text says what to do.
    pub fn refused(request: &HttpRequest, status: StatusCode, why: &str) -> Self {
        Self::new(request, status, |page| {
            [page.say("error-refused-title"), why.to_owned(), page.say("error-refused-advice")]
        })
    }

    /// Signed in, but without the right.
    pub fn not_allowed(request: &HttpRequest) -> Self {
        Self::new(request, StatusCode::FORBIDDEN, |page| {
            [
                page.say("error-not-allowed-title"),
                page.say("error-not-allowed-text"),
                page.say("error-not-allowed-advice"),
            ]
        })
    }

    /// The console has nothing there, or nothing for this account.
    pub fn nowhere(request: &HttpRequest) -> Self {
        let mut error = Self::new(request, StatusCode::NOT_FOUND, |page| {
            [
                page.say("error-nowhere-title"),
                page.say("error-nowhere-text"),
                page.say("error-nowhere-advice"),
            ]
        });
        if let Some(page) = &mut error.page {
            page.ways = vec![(page.page.say("error-nowhere-way"), "/console".to_owned())];
        }
        error
    }

    pub fn failure(request: &HttpRequest, failure: &Failure) -> Self {
        error::record(failure);
        let mut error = Self::new(request, error::failure_status(failure), |page| {
            let (message, advice) = match failure {
                Failure::Overloaded { .. } | Failure::Unavailable(_) => {
                    (page.say("error-away-text"), page.say("error-away-advice"))
                }
                Failure::Internal(_) => {
                    (page.say("error-internal-text"), page.say("error-internal-advice"))
                }
            };
            [page.say("error-again-title"), message, advice]
        });
        error.retry_after = error::retry_after(failure);
        error
    }

    pub fn from_api(request: &HttpRequest, error: ApiError) -> Self {
        match error {
            ApiError::Failure(failure) => Self::failure(request, &failure),
            ApiError::NotFound => Self {
                status: StatusCode::NOT_FOUND,
                retry_after: None,
                location: None,
                page: None,
            },
            ApiError::OAuth(error) | ApiError::InvalidBasicClient(error) => {
                tracing::info!(why = %error.description, "a page was refused");
                Self::bad_request(request, &NotInOrder)
            }
            ApiError::Json { status, code, description, .. } => {
                tracing::info!(why = %description, "a page was refused");
                let mut page = match (status, code) {
                    (_, FILE_TOO_LARGE) => Self::bad_request(request, &TooLarge::File),
                    (StatusCode::PAYLOAD_TOO_LARGE, _) => {
                        Self::bad_request(request, &TooLarge::Form)
                    }
                    (_, _) => Self::bad_request(request, &NotInOrder),
                };
                page.status = status;
                page
            }
            ApiError::RateLimited { retry_after } => Self::wait(request, retry_after),
            ApiError::Bearer(_) | ApiError::MethodNotAllowed(_) => {
                Self::bad_request(request, &NotInOrder)
            }
        }
    }
}

impl fmt::Debug for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageError({})", self.status)
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the page was refused")
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        if let Some(location) = &self.location {
            return HttpResponse::SeeOther()
                .insert_header((header::LOCATION, location.clone()))
                .finish();
        }
        let Some(page) = &self.page else { return ApiError::NotFound.error_response() };
        let mut response =
            respond(self.status, Policy::StaysHere, page.render().unwrap_or_default());
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
