//! By what a tenant's users sign in, and who may make an account.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat, Viewer};
use super::done::{Done, done};
use super::number::Number;
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed};
use crate::domain::password::MinLength;
use crate::domain::tenant::{
    AccountPolicy, EmailCode, EmailVerification, MAX_DELETION_GRACE_DAYS, SignUp,
};
use crate::flows::administration::tenants::{self, TenantChange};
use crate::flows::administration::{Problem, description, providers};
use crate::flows::federation::redirect_uri;
use crate::web::hosted::{PageError, Policy, render, render_as};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/sign_in_methods.html")]
pub struct SignInMethodsPage {
    pub frame: Frame,
    pub error: Option<String>,
    pub version: String,
    pub sign_up_is_open: bool,
    pub email_is_verified: bool,
    pub has_email_code: bool,
    pub password_min_length: Number,
    pub deletion_grace_days: Number,
    pub providers: Vec<Line>,
}

pub struct Line {
    pub key: String,
    pub name: String,
    pub kind: &'static str,
    pub redirect_uri: String,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
) -> Result<HttpResponse, PageError> {
    render(&request, &view(&request, &state, &seat).await?, Policy::StaysHere)
}

async fn view<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
) -> Result<SignInMethodsPage, PageError> {
    let (context, tenant) = (&state.context, &seat.tenant);
    let providers =
        providers::list(context, tenant).await.map_err(|problem| failed(request, problem))?;
    let issuer = context.public_url.issuer(tenant);
    let line = |provider: &crate::domain::provider::Provider| Line {
        key: provider.key.to_string(),
        name: provider.name.to_string(),
        kind: provider.kind.as_str(),
        redirect_uri: redirect_uri(&issuer, &provider.key),
    };
    let AccountPolicy {
        sign_up,
        email_verification,
        email_code,
        password_min_length,
        deletion_grace_days,
    } = tenant.accounts;
    Ok(SignInMethodsPage {
        frame: Frame::of(seat),
        error: None,
        version: description::version(&description::tenant(tenant)),
        sign_up_is_open: sign_up == SignUp::Open,
        email_is_verified: email_verification == EmailVerification::Required,
        has_email_code: email_code == EmailCode::On,
        password_min_length: Number::of(password_min_length.characters()),
        deletion_grace_days: Number::of(deletion_grace_days),
        providers: providers.iter().map(line).collect(),
    })
}

pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(
        &request,
        &[
            "version",
            "sign_up",
            "email_verification",
            "email_code",
            "password_min_length",
            "deletion_grace_days",
        ],
    )?;
    let seat = &posted.by;
    let (least, days) = (least(&posted), days(&posted));
    let (Ok(least), Ok(days)) = (&least, &days) else {
        let problems = [least.as_ref().err(), days.as_ref().err()];
        return again(&request, &state, &posted, None, problems).await;
    };
    let is_on = |name: &str| posted.optional(name).is_some();
    let change = TenantChange {
        sign_up: Some(if is_on("sign_up") { SignUp::Open } else { SignUp::Closed }),
        email_verification: Some(match is_on("email_verification") {
            true => EmailVerification::Required,
            false => EmailVerification::Optional,
        }),
        email_code: Some(if is_on("email_code") { EmailCode::On } else { EmailCode::Off }),
        password_min_length: Some(*least),
        deletion_grace_days: Some(*days),
        ..TenantChange::default()
    };
    let page = format!("{}/sign-in", Frame::of(seat).base);
    let seen = Some(posted.field("version").to_owned());
    let admin = seat.administrator(&state.context);
    match tenants::change_seen(&admin, seat.tenant.id, seen, change).await {
        Ok(_) => Ok(done(&page, Done::Saved)),
        Err(Problem::Input(why)) => again(&request, &state, &posted, Some(why), [None, None]).await,
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}

fn least(posted: &Posted<Seat<Admin>>) -> Result<MinLength, String> {
    let (least, most) = (MinLength::LEAST, MinLength::MOST);
    MinLength::parse(posted.field("password_min_length"))
        .map_err(|_| format!("A whole number from {least} to {most} is wanted."))
}

fn days(posted: &Posted<Seat<Admin>>) -> Result<u16, String> {
    let days = posted.field("deletion_grace_days").trim().parse().ok();
    days.filter(|days| *days <= MAX_DELETION_GRACE_DAYS)
        .ok_or_else(|| format!("A whole number from 0 to {MAX_DELETION_GRACE_DAYS} is wanted."))
}

/// The page with what was sent, and what is wrong with it: as a whole, with the least length, with the days.
async fn again(
    request: &HttpRequest,
    state: &State,
    posted: &Posted<Seat<Admin>>,
    error: Option<String>,
    [least, days]: [Option<&String>; 2],
) -> Result<HttpResponse, PageError> {
    let is_on = |name: &str| posted.optional(name).is_some();
    let view = SignInMethodsPage {
        error,
        version: posted.field("version").to_owned(),
        sign_up_is_open: is_on("sign_up"),
        email_is_verified: is_on("email_verification"),
        has_email_code: is_on("email_code"),
        password_min_length: Number::typed(posted.field("password_min_length"), least),
        deletion_grace_days: Number::typed(posted.field("deletion_grace_days"), days),
        ..view(request, state, &posted.by).await?
    };
    render_as(request, StatusCode::BAD_REQUEST, &view, Policy::StaysHere)
}
