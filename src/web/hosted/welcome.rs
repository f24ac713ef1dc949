//! `/` of a `dev` server: where to click.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Page, PageError, Policy, render};
use crate::web::error::ApiError;
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/welcome.html")]
pub struct WelcomePage {
    pub page: Page,
    pub tenants: Vec<TenantLinks>,
    /// Label and value.
    pub dev_hints: Vec<(String, String)>,
}

pub struct TenantLinks {
    pub name: String,
    pub slug: String,
    pub issuer: String,
    pub login_url: String,
    pub discovery_url: String,
    pub jwks_url: String,
}

pub async fn get(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, PageError> {
    let welcome =
        state.welcome.clone().ok_or_else(|| PageError::from_api(&request, ApiError::NotFound))?;
    let page = Page::doorward();
    let labelled = |(label, value): (&'static str, String)| (page.say(label), value);
    let dev_hints = welcome.hints.into_iter().map(labelled).collect();
    let page = WelcomePage {
        page,
        tenants: vec![TenantLinks {
            login_url: format!("{}/login", welcome.issuer),
            discovery_url: format!("{}/.well-known/openid-configuration", welcome.issuer),
            jwks_url: format!("{}/.well-known/jwks.json", welcome.issuer),
            name: welcome.tenant_name,
            slug: welcome.slug,
            issuer: welcome.issuer,
        }],
        dev_hints,
    };
    render(&request, &page, Policy::StaysHere)
}
