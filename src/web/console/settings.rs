//! What a tenant is called by, and its end.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Owner, Seat, Viewer};
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed, see};
use crate::domain::member::MemberRole;
use crate::domain::tenant::{Domain, Tenant, TenantStatus};
use crate::flows::administration::tenants::{self, DELETION_GRACE, TenantChange};
use crate::flows::administration::{Problem, description};
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/settings.html")]
pub struct SettingsPage {
    pub frame: Frame,
    pub error: Option<String>,
    pub version: String,
    pub tenant: Tenant,
    pub issuer: String,
    pub public_host: String,
    pub domain: String,
    pub is_owner: bool,
    pub is_suspended: bool,
    pub grace_days: u64,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
) -> Result<HttpResponse, PageError> {
    show(&request, &state, &seat, None, None)
}

fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    error: Option<String>,
    domain: Option<&str>,
) -> Result<HttpResponse, PageError> {
    let (tenant, public_url) = (&seat.tenant, &state.context.public_url);
    let is = |domain: &Domain| domain.to_string();
    let view = SettingsPage {
        frame: Frame::of(seat),
        error,
        version: description::version(&description::tenant(tenant)),
        issuer: public_url.issuer(tenant),
        public_host: public_url.host().to_owned(),
        domain: domain
            .map_or_else(|| tenant.domain.as_ref().map(is).unwrap_or_default(), str::to_owned),
        is_owner: seat.role == MemberRole::Owner,
        is_suspended: tenant.status == TenantStatus::Disabled,
        grace_days: DELETION_GRACE.as_secs() / (24 * 60 * 60),
        tenant: tenant.clone(),
    };
    render(request, &view, Policy::StaysHere)
}

fn page(seat: &Seat<Owner>) -> String {
    format!("{}/settings", Frame::of(seat).base)
}

/// A host of its own. Operators alone give one: they know whose it is, and run the proxy that it arrives by.
pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Owner>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["version", "domain"])?;
    let (seat, text) = (&posted.by, posted.field("domain").trim());
    if !seat.account.is_operator {
        return Err(PageError::not_allowed(&request));
    }
    let domain = match text {
        "" => Ok(None),
        text => Domain::parse(text).map(Some),
    };
    let domain = match domain {
        Ok(domain) => Some(domain),
        Err(why) => return show(&request, &state, seat, Some(why.to_string()), Some(text)),
    };
    let seen = Some(posted.field("version").to_owned());
    let change = TenantChange { domain, ..TenantChange::default() };
    let admin = seat.administrator(&state.context);
    match tenants::change_seen(&admin, seat.tenant.id, seen, change).await {
        Ok(_) => Ok(see(page(seat))),
        Err(Problem::Input(why)) => show(&request, &state, seat, Some(why), Some(text)),
        Err(problem) => stale::refused(&request, &posted, &page(seat), problem),
    }
}

/// Suspends, deletes, and takes both back.
pub async fn act(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Owner>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["act", "slug"])?;
    let (seat, tenant) = (&posted.by, &posted.by.tenant);
    let admin = seat.administrator(&state.context);
    let is_operator = seat.account.is_operator;
    let done = match posted.field("act") {
        "suspend" | "resume" if !is_operator => return Err(PageError::not_allowed(&request)),
        "suspend" => tenants::set_status(&admin, tenant, TenantStatus::Disabled).await,
        "resume" => tenants::set_status(&admin, tenant, TenantStatus::Active).await,
        "keep" => tenants::cancel_deletion(&admin, tenant.id).await,
        "delete" if posted.field("slug").trim() == tenant.slug.as_str() => {
            tenants::plan_deletion(&admin, tenant).await
        }
        "delete" => {
            let why = format!("to delete the tenant, type its slug: {}", tenant.slug);
            return show(&request, &state, seat, Some(why), None);
        }
        _ => Err(Problem::Input("there is no such button".to_owned())),
    };
    match done {
        Ok(()) => Ok(see(page(seat))),
        Err(Problem::Input(why)) => show(&request, &state, seat, Some(why), None),
        Err(problem) => Err(failed(&request, problem)),
    }
}
