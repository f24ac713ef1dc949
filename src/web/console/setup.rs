//! The first console account, by the link that a server without one prints when it starts.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::Visitor;
use super::posted::Posted;
use super::view::{failed, see};
use crate::domain::email_address::EmailAddress;
use crate::domain::password::NewPassword;
use crate::flows::administration::Problem;
use crate::flows::console::first_account;
use crate::web::extract::query::Query;
use crate::web::hosted::{Page, PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/setup.html")]
pub struct SetupPage {
    pub page: Page,
    pub csrf: String,
    pub token: String,
    pub email: String,
    pub error: Option<String>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let token = query.get("token").unwrap_or_default();
    let is_good = first_account::is_good(&state.context, token)
        .await
        .map_err(|problem| failed(&request, problem))?;
    if !is_good {
        return Ok(see("/console".to_owned()));
    }
    show(&request, &state, &visitor, token, "", None).await
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Visitor>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["token", "email", "password"])?;
    let (token, email) = (posted.field("token"), posted.field("email"));
    let is_good = first_account::is_good(&state.context, token)
        .await
        .map_err(|problem| failed(&request, problem))?;
    if !is_good {
        return Ok(see("/console".to_owned()));
    }
    let parsed = EmailAddress::parse(email).map_err(|why| why.to_string()).and_then(|email| {
        let password = NewPassword::parse(posted.field("password"));
        Ok((email, password.map_err(|why| why.to_string())?))
    });
    let made = match parsed {
        Err(why) => Err(Problem::Input(why)),
        Ok((email, password)) => first_account::make(&state.context, token, email, password).await,
    };
    match made {
        Ok(_) => Ok(see("/console".to_owned())),
        Err(Problem::Input(why)) => {
            show(&request, &state, &posted.by, token, email, Some(why)).await
        }
        Err(problem) => Err(failed(&request, problem)),
    }
}

async fn show(
    request: &HttpRequest,
    state: &State,
    visitor: &Visitor,
    token: &str,
    email: &str,
    error: Option<String>,
) -> Result<HttpResponse, PageError> {
    let password_min_length = first_account::password_min_length(&state.context).await;
    let view = SetupPage {
        page: Page { password_min_length, ..Page::doorward() },
        csrf: visitor.csrf.clone(),
        token: token.to_owned(),
        email: email.to_owned(),
        error,
    };
    render(request, &view, Policy::StaysHere)
}
