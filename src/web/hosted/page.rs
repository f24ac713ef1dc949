//! What all hosted pages share: the tenant's name, the policy of what they may do, and the page that says
//! what went wrong.

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use crate::domain::redirect_uri::RedirectUri;
use crate::flows::oauth::authorize::NoReply;
use crate::flows::{Failure, TenantSnapshot};
use crate::web::assets::{ICON, SCRIPT, STYLESHEET};
use crate::web::error::{self, ApiError};
use crate::web::request_log::RequestId;

/// What the layout shows.
#[derive(Clone, Debug)]
pub struct Page {
    pub tenant_name: String,
    pub monogram: String,
    pub stylesheet: &'static str,
    pub script: &'static str,
    pub icon: &'static str,
}

impl Page {
    pub fn of(tenant: &TenantSnapshot) -> Self {
        let name = &tenant.tenant.name;
        Self::named(name.to_string(), name.initial())
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
            stylesheet: &STYLESHEET.path,
            script: &SCRIPT.path,
            icon: &ICON.path,
        }
    }
}

/// Where a page's forms may lead.
#[derive(Clone, Copy)]
pub enum Policy<'a> {
    StaysHere,
    /// On to an application's redirect URI. Browsers hold `form-action` against every redirect that
    /// follows a form, also those that the application makes next, hence all of https.
    LeadsTo(&'a str),
}

pub fn render(
    request: &HttpRequest,
    template: &impl Template,
    policy: Policy<'_>,
) -> Result<HttpResponse, PageError> {
    let body = template
        .render()
        .map_err(|error| PageError::failure(request, &Failure::Internal(error.to_string())))?;
    Ok(respond(StatusCode::OK, policy, body))
}

fn respond(status: StatusCode, policy: Policy<'_>, body: String) -> HttpResponse {
    let form_action = match policy {
        Policy::StaysHere => "'self'".to_owned(),
        Policy::LeadsTo(uri) => {
            let source = RedirectUri::form_action_source(uri).unwrap_or_default();
            format!("'self' https: {source}")
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
    pub reference: String,
}

/// An answer to a person.
pub struct PageError {
    status: StatusCode,
    retry_after: Option<u64>,
    /// A tenant that does not exist is a plain 404, not a page of ours.
    page: Option<Box<ErrorPage>>,
}

impl PageError {
    fn new(
        request: &HttpRequest,
        status: StatusCode,
        heading: &str,
        message: &str,
        advice: &str,
    ) -> Self {
        let page = ErrorPage {
            page: Page::for_request(request),
            heading: heading.to_owned(),
            message: message.to_owned(),
            advice: advice.to_owned(),
            reference: RequestId::of(request),
        };
        Self { status, retry_after: None, page: Some(Box::new(page)) }
    }

    pub fn bad_request(request: &HttpRequest, why: &str) -> Self {
        let advice =
            "Go back to the application and try again. If it happens again, tell its makers.";
        Self::new(request, StatusCode::BAD_REQUEST, "This link does not work", why, advice)
    }

    pub fn no_reply(request: &HttpRequest, why: NoReply) -> Self {
        Self::bad_request(request, &why.to_string())
    }

    pub fn forged(request: &HttpRequest) -> Self {
        Self::new(
            request,
            StatusCode::FORBIDDEN,
            "This form has expired",
            "The form was sent from another page, or your browser did not send its cookie along.",
            "Go back, reload the page and try again. Cookies must be allowed for this site.",
        )
    }

    /// The sign-in that this page belonged to is over.
    pub fn stale(request: &HttpRequest) -> Self {
        Self::new(
            request,
            StatusCode::BAD_REQUEST,
            "This sign-in has expired",
            "It was finished already, took longer than an hour, or was begun in another browser.",
            "Go back to the application and sign in from there again.",
        )
    }

    pub fn failure(request: &HttpRequest, failure: &Failure) -> Self {
        error::record(failure);
        let (message, advice) = match failure {
            Failure::Overloaded { .. } | Failure::Unavailable(_) => {
                ("We cannot answer at the moment.", "Nothing is lost. Try again in a few seconds.")
            }
            Failure::Internal(_) => (
                "Something went wrong on our side.",
                "Try again; if it stays, tell us the reference below.",
            ),
        };
        let status = error::failure_status(failure);
        let mut page = Self::new(request, status, "Please try again", message, advice);
        page.retry_after = error::retry_after(failure);
        page
    }

    pub fn from_api(request: &HttpRequest, error: ApiError) -> Self {
        match error {
            ApiError::Failure(failure) => Self::failure(request, &failure),
            ApiError::NotFound => {
                Self { status: StatusCode::NOT_FOUND, retry_after: None, page: None }
            }
            ApiError::OAuth(error) | ApiError::InvalidBasicClient(error) => {
                Self::bad_request(request, &error.description)
            }
            ApiError::Json { status, description, .. } => {
                let mut page = Self::bad_request(request, &description);
                page.status = status;
                page
            }
            ApiError::Bearer(_) => Self::bad_request(request, "This page takes no access token."),
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
        let Some(page) = &self.page else { return ApiError::NotFound.error_response() };
        let mut response =
            respond(self.status, Policy::StaysHere, page.render().unwrap_or_default());
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
