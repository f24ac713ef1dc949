//! By what a tenant's users sign in, and who may make an account.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat, Viewer};
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed, see};
use crate::domain::tenant::{AccountPolicy, EmailCode, EmailVerification, SignUp};
use crate::flows::administration::tenants::{self, TenantChange};
use crate::flows::administration::{Problem, description, providers};
use crate::flows::federation::redirect_uri;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/sign_in_methods.html")]
pub struct SignInMethodsPage {
    pub frame: Frame,
    pub version: String,
    pub sign_up_is_open: bool,
    pub email_is_verified: bool,
    pub has_email_code: bool,
    pub deletion_grace_days: u16,
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
    let (context, tenant) = (&state.context, &seat.tenant);
    let providers =
        providers::list(context, tenant).await.map_err(|problem| failed(&request, problem))?;
    let issuer = context.public_url.issuer(tenant);
    let line = |provider: &crate::domain::provider::Provider| Line {
        key: provider.key.to_string(),
        name: provider.name.to_string(),
        kind: provider.kind.as_str(),
        redirect_uri: redirect_uri(&issuer, &provider.key),
    };
    let AccountPolicy { sign_up, email_verification, email_code, deletion_grace_days } =
        tenant.accounts;
    let view = SignInMethodsPage {
        frame: Frame::of(&seat),
        version: description::version(&description::tenant(tenant)),
        sign_up_is_open: sign_up == SignUp::Open,
        email_is_verified: email_verification == EmailVerification::Required,
        has_email_code: email_code == EmailCode::On,
        deletion_grace_days,
        providers: providers.iter().map(line).collect(),
    };
    render(&request, &view, Policy::StaysHere)
}

pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(
        &request,
        &["version", "sign_up", "email_verification", "email_code", "deletion_grace_days"],
    )?;
    let seat = &posted.by;
    let days = posted.field("deletion_grace_days").trim().parse().map_err(|_| {
        let why = "the days that an account waits for its deletion are a whole number".to_owned();
        failed(&request, Problem::Input(why))
    })?;
    let is_on = |name: &str| posted.optional(name).is_some();
    let change = TenantChange {
        sign_up: Some(if is_on("sign_up") { SignUp::Open } else { SignUp::Closed }),
        email_verification: Some(match is_on("email_verification") {
            true => EmailVerification::Required,
            false => EmailVerification::Optional,
        }),
        email_code: Some(if is_on("email_code") { EmailCode::On } else { EmailCode::Off }),
        deletion_grace_days: Some(days),
        ..TenantChange::default()
    };
    let page = format!("{}/sign-in", Frame::of(seat).base);
    let seen = Some(posted.field("version").to_owned());
    let admin = seat.administrator(&state.context);
    match tenants::change_seen(&admin, seat.tenant.id, seen, change).await {
        Ok(_) => Ok(see(page)),
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}
