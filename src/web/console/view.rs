//! What all pages of the console share.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};

use super::access::{Account, Seat};
use super::done::Done;
use crate::domain::member::MemberRole;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::flows::administration::Problem;
use crate::web::hosted::{Page, PageError};

/// Frame of a page: whose console it is, and where its tenant's pages are.
pub struct Frame {
    pub page: Page,
    pub csrf: String,
    pub email: String,
    pub is_operator: bool,
    /// Empty above the tenants.
    pub base: String,
    pub tenant: String,
    pub slug: String,
    pub may_change: bool,
    /// Why the tenant answers nobody, if it does not.
    pub closed: Option<String>,
    /// What was done by the post that led here.
    pub done: Option<&'static str>,
}

impl Frame {
    pub fn of_account(account: &Account) -> Self {
        Self {
            page: Page::doorward(),
            csrf: account.visitor.csrf.clone(),
            email: account.browser.profile.user.email.to_string(),
            is_operator: account.is_operator,
            base: String::new(),
            tenant: String::new(),
            slug: String::new(),
            may_change: false,
            closed: None,
            done: account.done.map(Done::sentence),
        }
    }

    pub fn of<L>(seat: &Seat<L>) -> Self {
        Self {
            base: base(seat.tenant.slug.as_str()),
            tenant: seat.tenant.name.to_string(),
            slug: seat.tenant.slug.to_string(),
            may_change: seat.role >= MemberRole::Admin,
            closed: closed(&seat.tenant),
            ..Self::of_account(&seat.account)
        }
    }
}

fn closed(tenant: &Tenant) -> Option<String> {
    match (tenant.deletes_at, tenant.status) {
        (Some(at), _) => {
            Some(format!("This tenant answers nobody any more, and is deleted at {at}."))
        }
        (None, TenantStatus::Disabled) => {
            Some("This tenant is suspended: it answers nobody, and keeps what it has.".to_owned())
        }
        (None, TenantStatus::Active) => None,
    }
}

/// Where the pages of a tenant are.
pub fn base(slug: &str) -> String {
    format!("/console/t/{slug}")
}

pub fn see(location: String) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

pub fn failed(request: &HttpRequest, problem: Problem) -> PageError {
    match problem {
        Problem::Input(why) => PageError::refused(request, StatusCode::BAD_REQUEST, &why),
        Problem::Stale(now) => {
            let why = format!(
                "Somebody else changed this since you opened it, and nothing of yours was saved. It is now: {now}"
            );
            PageError::refused(request, StatusCode::CONFLICT, &why)
        }
        Problem::Unknown => PageError::nowhere(request),
        Problem::Failure(failure) => PageError::failure(request, &failure),
    }
}
