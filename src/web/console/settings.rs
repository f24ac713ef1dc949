//! What a tenant is called by, and its end.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Owner, Seat, Viewer};
use super::done::{Done, done};
use super::host::HostSection;
use super::lifetimes::LifetimesSection;
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed};
use crate::domain::member::MemberRole;
use crate::domain::tenant::{Domain, Tenant, TenantStatus};
use crate::flows::administration::tenants::{self, Authority, DELETION_GRACE, TenantChange};
use crate::flows::administration::{Problem, description, hosts};
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
    pub lifetimes: LifetimesSection,
    pub host: HostSection,
    pub claimed: String,
    pub domain: String,
    pub is_owner: bool,
    pub is_suspended: bool,
    /// An operator has planned the deletion, and this is none.
    pub is_deleted_by_another: bool,
    pub grace_days: u64,
}

/// What was sent and is not saved, with the reason.
#[derive(Default)]
pub struct Draft<'a> {
    pub error: Option<String>,
    pub lifetimes: Option<LifetimesSection>,
    /// The host that was to be claimed.
    pub claimed: Option<&'a str>,
    /// The host that an operator gives.
    pub domain: Option<&'a str>,
}

impl Draft<'_> {
    pub fn refused(why: impl Into<String>) -> Self {
        Self { error: Some(why.into()), ..Self::default() }
    }
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
) -> Result<HttpResponse, PageError> {
    show(&request, &state, &seat, Draft::default()).await
}

pub(super) async fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    draft: Draft<'_>,
) -> Result<HttpResponse, PageError> {
    let (tenant, public_url) = (&seat.tenant, &state.context.public_url);
    let claim = hosts::pending(&state.context, tenant.id).await;
    let claim = claim.map_err(|problem| failed(request, problem))?;
    let by_operator = tenants::is_deleted_by_operator(&state.context, tenant).await;
    let by_operator = by_operator.map_err(|problem| failed(request, problem))?;
    let domain = tenant.domain.as_ref().map(ToString::to_string).unwrap_or_default();
    let view = SettingsPage {
        frame: Frame::of(seat),
        error: draft.error,
        version: description::version(&description::tenant(tenant)),
        issuer: public_url.issuer(tenant),
        lifetimes: draft.lifetimes.unwrap_or_else(|| LifetimesSection::of(tenant.lifetimes)),
        host: HostSection::of(tenant, claim.as_ref(), public_url),
        claimed: draft.claimed.unwrap_or_default().to_owned(),
        domain: draft.domain.map_or(domain, str::to_owned),
        is_owner: seat.role == MemberRole::Owner,
        is_suspended: tenant.status == TenantStatus::Disabled,
        is_deleted_by_another: by_operator && !seat.account.is_operator,
        grace_days: DELETION_GRACE.as_secs() / (24 * 60 * 60),
        tenant: tenant.clone(),
    };
    render(request, &view, Policy::StaysHere)
}

pub(super) fn page<L>(seat: &Seat<L>) -> String {
    format!("{}/settings", Frame::of(seat).base)
}

/// A host of its own without a proof. Operators alone give one so: they know whose it is, and run the proxy that it
/// arrives by.
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
        Err(why) => {
            let draft = Draft { domain: Some(text), ..Draft::refused(why.to_string()) };
            return show(&request, &state, seat, draft).await;
        }
    };
    let seen = Some(posted.field("version").to_owned());
    let change = TenantChange { domain, ..TenantChange::default() };
    let admin = seat.administrator(&state.context);
    match tenants::change_seen(&admin, seat.tenant.id, seen, change).await {
        Ok(_) => Ok(done(&page(seat), Done::Saved)),
        Err(Problem::Input(why)) => {
            let draft = Draft { domain: Some(text), ..Draft::refused(why) };
            show(&request, &state, seat, draft).await
        }
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
    let (acted, told) = match posted.field("act") {
        "suspend" | "resume" if !is_operator => return Err(PageError::not_allowed(&request)),
        "suspend" => {
            let status = TenantStatus::Disabled;
            (tenants::set_status(&admin, tenant, status).await, Done::TenantSuspended)
        }
        "resume" => {
            let status = TenantStatus::Active;
            (tenants::set_status(&admin, tenant, status).await, Done::TenantResumed)
        }
        "keep" => {
            let by = if is_operator { Authority::Operator } else { Authority::Owner };
            (tenants::cancel_deletion(&admin, tenant.id, by).await, Done::DeletionCancelled)
        }
        "delete" if posted.field("slug").trim() == tenant.slug.as_str() => {
            (tenants::plan_deletion(&admin, tenant).await, Done::DeletionPlanned)
        }
        "delete" => {
            let why = format!("to delete the tenant, type its slug: {}", tenant.slug);
            return show(&request, &state, seat, Draft::refused(why)).await;
        }
        _ => {
            let draft = Draft::refused("there is no such button");
            return show(&request, &state, seat, draft).await;
        }
    };
    match acted {
        Ok(()) => Ok(done(&page(seat), told)),
        Err(Problem::Input(why)) => show(&request, &state, seat, Draft::refused(why)).await,
        Err(problem) => Err(failed(&request, problem)),
    }
}
