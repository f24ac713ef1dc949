//! `/signup`: an account of one's own.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::check_mail::{self, CheckMail};
use super::federation_button::{Brand, ProviderButton};
use super::forms::Notice;
use super::login::sign_in_browser;
use super::pending::{Pending, after_sign_in, short};
use super::{Page, PageError, Policy, render};
use crate::domain::tenant::SignUp;
use crate::flows::account::sign_up::{self, Form, Outcome, Problems};
use crate::web::extract::browser::Browser;
use crate::web::extract::device;
use crate::web::extract::own_post::OwnPost;
use crate::web::extract::query::Query;
use crate::web::sentence::Sentence;
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/sign_up.html")]
pub struct SignUpPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub request: Option<String>,
    pub app_name: Option<String>,
    pub login_url: String,
    pub name: String,
    pub email: String,
    pub name_error: Option<String>,
    pub email_error: Option<String>,
    pub password_error: Option<String>,
    pub notice: Option<String>,
    /// The field to begin with: `name`, `email` or `password`.
    pub focus: &'static str,
    pub providers: Vec<ProviderButton>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    if browser.tenant().tenant.accounts.sign_up == SignUp::Closed {
        return closed(&request, &browser);
    }
    let pending = Pending::find(&request, &state, &browser, query.get("request")).await?;
    let email = query.get("login_hint").map(short).unwrap_or_default();
    render(&request, &form(&request, &browser, &pending, ["", &email]), pending.policy())
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    post: OwnPost,
) -> Result<HttpResponse, PageError> {
    let (browser, email, name) = (&post.browser, post.field("email"), post.field("name"));
    let pending = Pending::find(&request, &state, browser, post.optional("request")).await?;
    let id = pending.request.map(|id| id.to_string());
    let typed =
        Form { email, password: post.field("password"), name: Some(name), request: id.clone() };
    let address = device::address(&request);
    let outcome = sign_up::with_password(
        &state.context,
        browser.tenant(),
        typed,
        device::asker(address.as_deref()),
    )
    .await
    .map_err(|failure| PageError::failure(&request, &failure))?;
    match outcome {
        Outcome::Made(proof) => {
            let location = after_sign_in(browser.tenant(), pending.after_sign_in());
            sign_in_browser(&request, &state, browser, proof, location).await
        }
        Outcome::VerificationRequired => {
            let letter = CheckMail::Verify { email: &short(email) };
            check_mail::show(&request, browser, letter, id.as_deref(), None)
        }
        Outcome::Problems(problems) => {
            let page = with_problems(form(&request, browser, &pending, [name, email]), &problems);
            render(&request, &page, pending.policy())
        }
        Outcome::Closed => closed(&request, browser),
        Outcome::TooMany { retry_after } => Err(PageError::wait(&request, retry_after)),
    }
}

fn form(
    request: &HttpRequest,
    browser: &Browser,
    pending: &Pending,
    [name, email]: [&str; 2],
) -> SignUpPage {
    let tenant = browser.tenant();
    SignUpPage {
        providers: ProviderButton::all(request, tenant, pending.after_sign_in()),
        page: Page::of(browser.tenant()),
        action: format!("{}/signup", browser.tenant().base_path),
        csrf: browser.secret.clone(),
        request: pending.request.map(|id| id.to_string()),
        app_name: pending.app_name(),
        login_url: pending.url(browser, "login"),
        name: name.chars().take(200).collect(),
        email: short(email),
        name_error: None,
        email_error: None,
        password_error: None,
        notice: None,
        focus: "name",
    }
}

fn with_problems(mut form: SignUpPage, problems: &Problems) -> SignUpPage {
    let page = &form.page;
    form.name_error = problems.name.map(|problem| page.say(problem.id()));
    form.email_error = problems.email.as_ref().map(|problem| page.say(problem.id()));
    form.password_error = problems.password.map(|problem| problem.say(page.messages));
    form.focus = match (&form.name_error, &form.email_error) {
        (Some(_), _) => "name",
        (None, Some(_)) => "email",
        (None, None) => "password",
    };
    form
}

fn closed(request: &HttpRequest, browser: &Browser) -> Result<HttpResponse, PageError> {
    let page = Page::of(browser.tenant());
    let notice = Notice {
        heading: page.say("sign-up-closed-title"),
        text: page.say_with("sign-up-closed-text", "tenant", &page.tenant_name),
        url: format!("{}/login", browser.tenant().base_path),
        label: page.say("back-to-sign-in"),
        page,
    };
    render(request, &notice, Policy::StaysHere)
}
