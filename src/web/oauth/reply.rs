//! Authorization responses (RFC 6749 §4.1.2): by redirect or by a form that posts itself. Each carries `iss`
//! (RFC 9207), errors too.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::authorization_request::ResponseMode;
use crate::flows::TenantSnapshot;
use crate::flows::oauth::authorize::ReplyTo;
use crate::flows::oauth::error::OAuthError;
use crate::flows::oauth::logout::append_query;
use crate::web::hosted::{Page, PageError, Policy, render};

#[derive(Template)]
#[template(path = "hosted/form_post.html")]
pub struct FormPost {
    pub page: Page,
    pub action: String,
    pub fields: Vec<(String, String)>,
    pub app_name: String,
}

pub fn with_code(
    request: &HttpRequest,
    tenant: &TenantSnapshot,
    reply_to: &ReplyTo,
    code: &str,
) -> Result<HttpResponse, PageError> {
    reply(request, tenant, reply_to, &[("code", code)])
}

pub fn with_error(
    request: &HttpRequest,
    tenant: &TenantSnapshot,
    reply_to: &ReplyTo,
    error: &OAuthError,
) -> Result<HttpResponse, PageError> {
    let fields =
        [("error", error.code.as_str()), ("error_description", error.description.as_ref())];
    reply(request, tenant, reply_to, &fields)
}

fn reply(
    request: &HttpRequest,
    tenant: &TenantSnapshot,
    reply_to: &ReplyTo,
    fields: &[(&str, &str)],
) -> Result<HttpResponse, PageError> {
    let mut fields = fields.to_vec();
    if let Some(state) = &reply_to.state {
        fields.push(("state", state));
    }
    fields.push(("iss", &tenant.issuer));
    match reply_to.response_mode {
        // 303: a browser that posted its password here must not post it on (RFC 9700 §4.12).
        ResponseMode::Query => Ok(HttpResponse::SeeOther()
            .insert_header((header::LOCATION, append_query(&reply_to.redirect_uri, &fields)))
            .finish()),
        ResponseMode::FormPost => {
            let page = FormPost {
                page: Page::of(tenant),
                action: reply_to.redirect_uri.clone(),
                fields: fields
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                app_name: reply_to.application.name.to_string(),
            };
            render(request, &page, Policy::LeadsTo(&reply_to.redirect_uri))
        }
    }
}
