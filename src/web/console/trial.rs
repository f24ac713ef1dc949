//! "Try it": a real sign-in against a tenant's app, and the tokens that come of it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Account, Admin, Seat};
use super::posted::Posted;
use super::view::{Frame, base, failed, see};
use crate::domain::application::ApplicationStatus;
use crate::domain::ids::ApplicationId;
use crate::flows::administration::{Problem, applications};
use crate::flows::console::trial::{self, Pending, Token, Tokens};
use crate::web::extract::device;
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/trial.html")]
pub struct TrialPage {
    pub frame: Frame,
    pub back: String,
    pub expires_in: u64,
    /// What it is, its header and its claims.
    pub tokens: Vec<(&'static str, String, String)>,
    pub refresh_token: Option<String>,
}

/// The trial that is under way: one in a browser, the newest.
const PENDING: &str = "trial";

pub async fn begin(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &[])?;
    let (seat, tenant) = (&posted.by, &posted.by.tenant);
    let failed = |problem| failed(&request, problem);
    let id = ApplicationId::parse(&path.1).map_err(|_| failed(Problem::Unknown))?;
    let app = applications::find(&state.context, tenant, id).await.map_err(failed)?;
    if app.status == ApplicationStatus::Disabled {
        return Err(failed(Problem::Input("the app is disabled: enable it first".to_owned())));
    }
    let back = format!("{}/apps/{id}", base(tenant.slug.as_str()));
    if !app.kind.acts_for_users() {
        let tokens = trial::of_service(&state.context, tenant, &app).await;
        let tokens = tokens.map_err(|failure| PageError::failure(&request, &failure))?;
        let tokens = tokens.ok_or_else(|| failed(Problem::Unknown))?;
        return show(&request, Frame::of(seat), back, tokens);
    }
    let admin = seat.administrator(&state.context);
    let (pending, location) = trial::begin(&admin, tenant, &app).await.map_err(failed)?;
    let json = serde_json::to_string(&pending).map_err(|_| PageError::stale(&request))?;
    let kept = seat.account.visitor.keep(PENDING, &json);
    kept.map_err(|failure| PageError::failure(&request, &failure))?;
    Ok(see(location))
}

/// Where the tenant's sign-in leads back to.
pub async fn callback(
    request: HttpRequest,
    state: web::Data<State>,
    account: Account,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let kept = account.visitor.kept(PENDING);
    let pending: Option<Pending> = kept.and_then(|json| serde_json::from_str(&json).ok());
    let pending = pending.filter(|pending| query.get("state") == Some(&*pending.state));
    let Some(pending) = pending else { return Err(PageError::stale(&request)) };
    account.visitor.forget(PENDING);
    let back = format!("{}/apps/{}", base(&pending.tenant), pending.application);
    let Some(code) = query.get("code") else { return Ok(see(back)) };
    let address = device::address(&request);
    let tokens = trial::complete(&state.context, &pending, code, address.as_deref())
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    let tokens = tokens.ok_or_else(|| PageError::stale(&request))?;
    show(&request, Frame::of_account(&account), back, tokens)
}

fn show(
    request: &HttpRequest,
    frame: Frame,
    back: String,
    tokens: Tokens,
) -> Result<HttpResponse, PageError> {
    let Tokens { access_token, id_token, refresh_token, expires_in } = tokens;
    let line =
        |what, token: &Token| (what, format!("{:#}", token.header), format!("{:#}", token.claims));
    let mut tokens = vec![line("Access token", &access_token)];
    tokens.extend(id_token.iter().map(|token| line("ID token", token)));
    let view = TrialPage { frame, back, expires_in, tokens, refresh_token };
    render(request, &view, Policy::StaysHere)
}
