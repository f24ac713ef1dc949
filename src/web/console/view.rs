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
    /// Where the page itself is.
    pub path: String,
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
            path: account.path.clone(),
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

    /// What the navigation leads to.
    pub fn sections(&self) -> Vec<Section> {
        match (self.base.is_empty(), self.is_operator) {
            (true, false) => Vec::new(),
            (true, true) => sections("/console", &ABOVE_TENANTS, &self.path),
            (false, _) => sections(&self.base, &OF_TENANT, &self.path),
        }
    }
}

/// An entry of the navigation.
pub struct Section {
    pub href: String,
    pub label: &'static str,
    /// The page that is shown is this one, or one of its own.
    pub is_current: bool,
}

/// Each with its path below the navigation's; of the first, what is no other's.
const ABOVE_TENANTS: [(&str, &str); 3] =
    [("", "Tenants"), ("/accounts", "Accounts"), ("/deployment", "Deployment")];

const OF_TENANT: [(&str, &str); 11] = [
    ("", "Overview"),
    ("/apps", "Applications"),
    ("/users", "Users"),
    ("/roles", "Roles"),
    ("/sign-in", "Sign-in methods"),
    ("/branding", "Branding"),
    ("/mail", "Mail"),
    ("/keys", "Keys"),
    ("/audit", "Audit log"),
    ("/members", "Members"),
    ("/settings", "Settings"),
];

fn sections(base: &str, all: &[(&'static str, &'static str)], path: &str) -> Vec<Section> {
    // A trial comes back to a path of its own.
    let below = path.strip_prefix(base).unwrap_or("/apps");
    let here = match below.split('/').nth(1).unwrap_or_default() {
        "providers" => "sign-in",
        first => first,
    };
    let is_here = |section: &str| section.trim_start_matches('/') == here;
    let is_any = all.iter().any(|(section, _)| is_here(section));
    all.iter()
        .map(|&(section, label)| Section {
            href: format!("{base}{section}"),
            label,
            is_current: is_here(section) || (section.is_empty() && !is_any),
        })
        .collect()
}

fn closed(tenant: &Tenant) -> Option<String> {
    match (tenant.deletes_at, tenant.status) {
        (Some(at), _) => {
            Some(format!("This tenant answers nobody any more, and will be deleted on {at}."))
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
