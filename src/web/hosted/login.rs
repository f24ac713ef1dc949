//! `/login`: e-mail and password.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::check_mail::{self, CheckMail};
use super::federation_button::{Brand, ProviderButton};
use super::pending::{Pending, after_sign_in, see_other, short};
use super::{Page, PageError, render};
use crate::domain::after_sign_in::AfterSignIn;
use crate::domain::email_address::InvalidEmail;
use crate::domain::ids::RequestId;
use crate::domain::tenant::{AccountPolicy, EmailCode, SignUp};
use crate::flows::Failure;
use crate::flows::account::sign_in::{self, Credentials, Outcome, Proof};
use crate::flows::account::throttle::{Asked, Credential, Guesser};
use crate::flows::account::{session, verification};
use crate::web::cookies::KnownDevice;
use crate::web::csrf;
use crate::web::error::ApiError;
use crate::web::extract::browser::Browser;
use crate::web::extract::device::{asker, device};
use crate::web::extract::form::TypedForm;
use crate::web::extract::query::Query;
use crate::web::oauth::authorize::own_origin;
use crate::web::sentence::Sentence;
use crate::web::state::State;

#[derive(Template)]
#[template(path = "hosted/login.html")]
pub struct LoginPage {
    pub page: Page,
    pub action: String,
    pub csrf: String,
    pub request: Option<String>,
    pub next: Option<String>,
    pub email: String,
    pub app_name: Option<String>,
    pub forgot_url: String,
    pub code_url: Option<String>,
    pub sign_up_url: Option<String>,
    pub error: Option<String>,
    pub email_error: Option<String>,
    pub password_error: Option<String>,
    pub notice: Option<String>,
    pub providers: Vec<ProviderButton>,
}

impl LoginPage {
    /// As a newcomer sees it whom no application sent. Its form leads nowhere.
    pub fn specimen(page: Page, accounts: AccountPolicy, providers: Vec<ProviderButton>) -> Self {
        let nowhere = || "#".to_owned();
        Self {
            page,
            action: nowhere(),
            csrf: String::new(),
            request: None,
            next: None,
            email: String::new(),
            app_name: None,
            forgot_url: nowhere(),
            code_url: (accounts.email_code == EmailCode::On).then(nowhere),
            sign_up_url: (accounts.sign_up == SignUp::Open).then(nowhere),
            error: None,
            email_error: None,
            password_error: None,
            notice: None,
            providers,
        }
    }
}

/// What the form shows beside its fields.
#[derive(Default)]
struct Messages {
    error: Option<String>,
    email: Option<String>,
    password: Option<String>,
    notice: Option<String>,
}

/// What a visit of the page asks for.
struct Visit<'a> {
    request: &'a HttpRequest,
    state: &'a State,
    browser: &'a Browser,
    pending: Option<&'a str>,
    /// The page of the account that it leads to.
    next: Option<&'a str>,
    email: &'a str,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let named = query.get("idp").or(query.get("provider"));
    if let Some(provider) = named.and_then(|key| browser.tenant().provider(key)) {
        let query = query.only(&["request", "next", "login_hint"]).to_query();
        let (base, key) = (&browser.tenant().base_path, &provider.provider.key);
        return Ok(see_other(format!("{base}/federation/{key}?{query}")));
    }
    let (pending, next) = (query.get("request"), query.get("next"));
    let page = Page::of(browser.tenant());
    let mut messages = Messages::default();
    let mut email = query.get("login_hint").map(short).unwrap_or_default();
    match &browser.signed_in {
        Some(signed_in) if pending.is_none() => {
            let is_fresh = signed_in.session.is_fresh(state.context.now());
            if next.is_none() || is_fresh {
                let then = Pending::default().leading_to(next).after_sign_in();
                return Ok(see_other(after_sign_in(browser.tenant(), then)));
            }
            messages.notice = Some(page.say("login-again"));
            email = signed_in.profile.user.email.to_string();
        }
        Some(_) | None => {}
    }
    match query.get("done") {
        Some("verified") => messages.notice = Some(page.say("login-verified")),
        Some("password") => messages.notice = Some(page.say("login-password-set")),
        Some(_) | None => {}
    }
    let (state, browser) = (&state, &browser);
    Visit { request: &request, state, browser, pending, next, email: &email }.show(messages).await
}

pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    browser: Browser,
    form: Result<TypedForm, ApiError>,
) -> Result<HttpResponse, PageError> {
    let TypedForm(form) = form.map_err(|error| PageError::from_api(&request, error))?;
    let field = |name: &str| form.get(name).unwrap_or_default();
    let (email, password) = (field("email"), field("password"));
    let visit = Visit {
        request: &request,
        state: &state,
        browser: &browser,
        pending: form.get("request"),
        next: form.get("next"),
        email: &short(email),
    };
    let page = Page::of(browser.tenant());
    let origin = own_origin(&state, browser.tenant());
    if !csrf::is_own_post(&request, origin, &browser.secret, form.get("csrf")) {
        let notice = Some(page.say("login-expired"));
        return visit.show(Messages { notice, ..Messages::default() }).await;
    }
    if email.trim().is_empty() || password.is_empty() {
        let messages = Messages {
            email: email.trim().is_empty().then(|| page.say("login-email-missing")),
            password: password.is_empty().then(|| page.say("login-password-missing")),
            ..Messages::default()
        };
        return visit.show(messages).await;
    }
    if email.trim().chars().any(char::is_control) {
        // No account's, and nothing that one sees to have typed.
        let email = Some(page.say(InvalidEmail::Malformed.id()));
        return visit.show(Messages { email, ..Messages::default() }).await;
    }
    visit.try_password(&page, email, password).await
}

impl Visit<'_> {
    async fn try_password(
        self,
        page: &Page,
        email: &str,
        password: &str,
    ) -> Result<HttpResponse, PageError> {
        let failed = |failure: Failure| PageError::failure(self.request, &failure);
        let (context, tenant) = (&self.state.context, self.browser.tenant());
        let guesser = Guesser {
            address: device(self.request).address,
            known_device: KnownDevice::read(self.request, self.state, tenant),
            client: None,
        };
        let credentials = Credentials::parse(email, password);
        let outcome = sign_in::with_password(context, tenant, credentials, &guesser).await;
        match outcome.map_err(failed)? {
            Outcome::Proved(proof) => {
                // A request that was answered meanwhile says so where it would go on; the user is signed in.
                let asked = self.pending.and_then(|id| RequestId::parse(id).ok());
                let then = asked.map_or_else(
                    || Pending::default().leading_to(self.next).after_sign_in(),
                    AfterSignIn::Request,
                );
                let location = after_sign_in(tenant, then);
                sign_in_browser(self.request, self.state, self.browser, proof, location).await
            }
            Outcome::Wrong => {
                let error = Some(page.say("login-wrong"));
                self.show(Messages { error, ..Messages::default() }).await
            }
            Outcome::TooMany { retry_after } => {
                Err(PageError::wait_or_recover(self.request, retry_after, Credential::Password))
            }
            Outcome::Unverified(user) => {
                let pending = self.pending.map(str::to_owned);
                let asker = asker(guesser.address.as_deref());
                let asked = verification::ask(context, tenant, &user.email, pending, asker).await;
                if let Asked::TooMuch { retry_after } = asked.map_err(failed)? {
                    return Err(PageError::wait(self.request, retry_after));
                }
                let letter = CheckMail::Verify { email: user.email.as_str() };
                check_mail::show(self.request, self.browser, letter, self.pending, None)
            }
        }
    }

    async fn pending(&self) -> Result<Pending, PageError> {
        let found = Pending::find(self.request, self.state, self.browser, self.pending).await?;
        Ok(found.leading_to(self.next))
    }

    async fn show(self, messages: Messages) -> Result<HttpResponse, PageError> {
        let (browser, tenant) = (self.browser, self.browser.tenant());
        let pending = self.pending().await?;
        let accounts = tenant.tenant.accounts;
        let page = LoginPage {
            page: Page::of(tenant),
            action: format!("{}/login", tenant.base_path),
            csrf: browser.secret.clone(),
            request: pending.request.map(|id| id.to_string()),
            next: pending.next(),
            email: self.email.to_owned(),
            app_name: pending.app_name(),
            forgot_url: pending.url(browser, "forgot-password"),
            code_url: (accounts.email_code == EmailCode::On)
                .then(|| pending.url(browser, "login/code")),
            sign_up_url: (accounts.sign_up == SignUp::Open).then(|| pending.url(browser, "signup")),
            error: messages.error,
            email_error: messages.email,
            password_error: messages.password,
            notice: messages.notice,
            providers: ProviderButton::all(self.request, tenant, pending.after_sign_in()),
        };
        render(self.request, &page, pending.policy())
    }
}

/// Begins a session for whoever has just proved who they are, knows the browser again next time, and goes on.
pub async fn sign_in_browser(
    request: &HttpRequest,
    state: &State,
    browser: &Browser,
    proof: Proof,
    location: String,
) -> Result<HttpResponse, PageError> {
    let failed = |failure: Failure| PageError::failure(request, &failure);
    let (context, tenant) = (&state.context, browser.tenant());
    let user = proof.user.id;
    let session = session::begin(context, tenant, proof, browser.session_id(), device(request))
        .await
        .map_err(failed)?;
    let mut response = see_other(location);
    // Without one, what comes next asks to sign in again.
    let Some(session) = session else { return Ok(response) };
    browser.sign_in(session).map_err(failed)?;
    KnownDevice::remember(&mut response, state, tenant, user).map_err(failed)?;
    Ok(response)
}
