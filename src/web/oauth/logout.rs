//! `GET, POST /oauth2/logout` (OpenID Connect RP-Initiated Logout 1.0 §2).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::authorize::own_origin;
use crate::domain::ids::SessionId;
use crate::domain::parameters::Parameters;
use crate::flows::oauth::logout::{self, LogoutRequest};
use crate::web::csrf;
use crate::web::error::ApiError;
use crate::web::extract::browser::Browser;
use crate::web::extract::device;
use crate::web::extract::form::Form;
use crate::web::hosted::{Page, PageError, Policy, render};
use crate::web::state::State;

/// The parameters of a logout request, as far as we use them (§2).
const CARRIED: [&str; 4] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];

/// "Sign out?": asked where no client vouches for the user's wish.
#[derive(Template)]
#[template(path = "hosted/logout.html")]
pub struct LogoutPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub fields: Vec<(String, String)>,
    pub user_email: Option<String>,
}

#[derive(Template)]
#[template(path = "hosted/signed_out.html")]
pub struct SignedOutPage {
    pub page: Page,
    pub login_url: String,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
) -> Result<HttpResponse, PageError> {
    let parameters = Parameters::parse(request.query_string().as_bytes())
        .map_err(|why| PageError::bad_request(&request, &why))?;
    answer(&request, &state, &browser, &parameters, UsersWord::NotGiven).await
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    form: Result<Form, ApiError>,
) -> Result<HttpResponse, PageError> {
    let Form(parameters) = form.map_err(|error| PageError::from_api(&request, error))?;
    let own = csrf::is_own_post(
        &request,
        own_origin(&state, browser.tenant()),
        &browser.secret,
        parameters.get("csrf"),
    );
    let word = match parameters.get("choice") {
        Some("logout") if own => UsersWord::SignOut,
        Some("stay") if own => UsersWord::Stay,
        // From another site: its cookies are missing and its word is not the user's. What its ID token proves is
        // enough; else GET sees the cookies.
        _ => {
            let asked = logout::check(browser.tenant(), &parameters)
                .map_err(|why| PageError::bad_request(&request, &why))?;
            if asked.session.is_some() {
                return answer(&request, &state, &browser, &parameters, UsersWord::NotGiven).await;
            }
            let location = format!(
                "{}/oauth2/logout?{}",
                browser.tenant().base_path,
                parameters.only(&CARRIED).to_query()
            );
            return Ok(HttpResponse::SeeOther()
                .insert_header((header::LOCATION, location))
                .finish());
        }
    };
    answer(&request, &state, &browser, &parameters, word).await
}

/// What the user said on our own page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UsersWord {
    NotGiven,
    SignOut,
    Stay,
}

async fn answer(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    parameters: &Parameters,
    word: UsersWord,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let asked =
        logout::check(tenant, parameters).map_err(|why| PageError::bad_request(request, &why))?;
    let own = browser.session_id();
    match (word, asked.session, own) {
        (UsersWord::Stay, _, _) => Ok(HttpResponse::SeeOther()
            .insert_header((header::LOCATION, format!("{}/account", tenant.base_path)))
            .finish()),
        (UsersWord::SignOut, _, Some(own)) => {
            end(request, state, browser, own).await?;
            done(request, browser, asked)
        }
        // The client knows the session by its ID token; this browser has no other (§2).
        (UsersWord::NotGiven, Some(session), own) if own.is_none_or(|own| own == session) => {
            end(request, state, browser, session).await?;
            done(request, browser, asked)
        }
        (UsersWord::NotGiven | UsersWord::SignOut, _, None) => done(request, browser, asked),
        (UsersWord::NotGiven, _, Some(_)) => ask(request, browser, parameters),
    }
}

async fn end(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    session: SessionId,
) -> Result<(), PageError> {
    let address = device::address(request);
    logout::end_session(&state.context, browser.tenant(), session, address.as_deref())
        .await
        .map_err(|failure| PageError::failure(request, &failure))?;
    browser.sign_out();
    Ok(())
}

fn done(
    request: &HttpRequest,
    browser: &Browser,
    asked: LogoutRequest,
) -> Result<HttpResponse, PageError> {
    if let Some(uri) = asked.return_to {
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, uri)).finish());
    }
    let tenant = browser.tenant();
    let page =
        SignedOutPage { page: Page::of(tenant), login_url: format!("{}/login", tenant.base_path) };
    render(request, &page, Policy::StaysHere)
}

fn ask(
    request: &HttpRequest,
    browser: &Browser,
    parameters: &Parameters,
) -> Result<HttpResponse, PageError> {
    let tenant = browser.tenant();
    let page = LogoutPage {
        page: Page::of(tenant),
        action: format!("{}/oauth2/logout", tenant.base_path),
        csrf: browser.secret.clone(),
        fields: CARRIED
            .into_iter()
            .filter_map(|name| {
                parameters.get(name).map(|value| (name.to_owned(), value.to_owned()))
            })
            .collect(),
        user_email: browser
            .signed_in
            .as_ref()
            .map(|browser| browser.profile.user.email.to_string()),
    };
    let leads_to = parameters.get("post_logout_redirect_uri");
    render(request, &page, leads_to.map_or(Policy::StaysHere, Policy::LeadsTo))
}
