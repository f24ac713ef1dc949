//! `/account`: who is signed in here.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Page, PageError, Policy, render};
use crate::web::extract::browser::Browser;

#[derive(Template)]
#[template(path = "hosted/account.html")]
pub struct AccountPage {
    pub page: Page,
    pub user_name: String,
    pub user_email: String,
    pub email_verified: bool,
    pub roles: Vec<String>,
    pub user_initial: String,
    pub logout_action: String,
    pub csrf: String,
    pub signed_in_at: String,
}

pub async fn get(request: HttpRequest, browser: Browser) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let Some(signed_in) = &browser.signed_in else {
        let location = format!("{}/login", tenant.base_path);
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish());
    };
    let user = &signed_in.profile.user;
    let name = user.name.as_ref().map_or_else(|| user.email.to_string(), ToString::to_string);
    let page = AccountPage {
        page: Page::of(tenant),
        user_initial: name.chars().take(1).flat_map(char::to_uppercase).collect(),
        user_name: name,
        user_email: user.email.to_string(),
        email_verified: user.email_verified,
        roles: signed_in.profile.roles.iter().map(ToString::to_string).collect(),
        logout_action: format!("{}/oauth2/logout", tenant.base_path),
        csrf: browser.secret.clone(),
        signed_in_at: signed_in.session.authenticated_at.to_string(),
    };
    render(&request, &page, Policy::StaysHere)
}
