//! The tenants of an account, and a new one.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::Account;
use super::posted::Posted;
use super::view::{Frame, base, failed, see};
use crate::domain::member::MemberRole;
use crate::domain::tenant::{AccountPolicy, DisplayName, Slug, TenantStatus};
use crate::flows::administration::tenants::{self, NewTenant};
use crate::flows::administration::{Problem, members};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

/// Tenants on a page.
const PAGE: i64 = 50;

#[derive(Template)]
#[template(path = "console/tenants.html")]
pub struct TenantsPage {
    pub frame: Frame,
    pub search: String,
    pub tenants: Vec<Line>,
    pub next: Option<String>,
}

pub struct Line {
    pub slug: String,
    pub name: String,
    pub href: String,
    /// What the account is there, or what became of the tenant.
    pub note: String,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    account: Account,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let after = query.get("after").and_then(|slug| Slug::parse(slug).ok());
    let search = query.get("search").unwrap_or_default().to_lowercase();
    let context = &state.context;
    let found: Result<Vec<_>, Problem> = if account.is_operator {
        let page = tenants::page(context, search.clone(), after, PAGE).await;
        page.map(|page| page.into_iter().map(|tenant| (tenant, None)).collect())
    } else {
        let id = account.browser.profile.user.id;
        let page = members::tenants_of(context, id, after, PAGE).await;
        page.map(|page| page.into_iter().map(|(tenant, role)| (tenant, Some(role))).collect())
    };
    let found = found.map_err(|problem| failed(&request, problem))?;
    let is_full = i64::try_from(found.len()).is_ok_and(|length| length == PAGE);
    let last = found.last().map(|(tenant, _)| tenant.slug.to_string());
    let tenants = found
        .into_iter()
        .map(|(tenant, role)| Line {
            href: base(tenant.slug.as_str()),
            slug: tenant.slug.to_string(),
            name: tenant.name.to_string(),
            note: match (tenant.status, role) {
                (TenantStatus::Disabled, _) => "suspended".to_owned(),
                (TenantStatus::Active, role) => {
                    role.map(MemberRole::as_str).unwrap_or_default().to_owned()
                }
            },
        })
        .collect();
    let next = last.filter(|_| is_full).map(|slug| {
        let search: String = url::form_urlencoded::byte_serialize(search.as_bytes()).collect();
        format!("/console?after={slug}&search={search}")
    });
    let view = TenantsPage { frame: Frame::of_account(&account), search, tenants, next };
    render(&request, &view, Policy::StaysHere)
}

#[derive(Template)]
#[template(path = "console/new_tenant.html")]
pub struct NewTenantPage {
    pub frame: Frame,
    pub error: Option<String>,
    pub name: String,
    pub slug: String,
}

pub async fn new(request: HttpRequest, account: Account) -> Result<HttpResponse, PageError> {
    let frame = Frame::of_account(&account);
    let view = NewTenantPage { frame, error: None, name: String::new(), slug: String::new() };
    render(&request, &view, Policy::StaysHere)
}

/// Makes the tenant, and the account its owner.
pub async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Account>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["name", "slug"])?;
    let (account, name, slug) = (&posted.by, posted.field("name"), posted.field("slug"));
    let parsed = DisplayName::parse(name)
        .map_err(|why| why.to_string())
        .and_then(|name| Ok((name, Slug::parse(slug).map_err(|why| why.to_string())?)));
    let made = match parsed {
        Err(why) => Err(Problem::Input(why)),
        Ok((name, slug)) => {
            let admin = account.administrator(&state.context);
            let new = NewTenant { slug, name, domain: None, accounts: AccountPolicy::default() };
            tenants::create_owned(&admin, new, account.browser.profile.user.id).await
        }
    };
    match made {
        Ok(tenant) => Ok(see(format!("{}/apps/new", base(tenant.slug.as_str())))),
        Err(Problem::Input(why)) => {
            let frame = Frame::of_account(account);
            let (name, slug) = (name.to_owned(), slug.to_owned());
            let view = NewTenantPage { frame, error: Some(why), name, slug };
            render(&request, &view, Policy::StaysHere)
        }
        Err(problem) => Err(failed(&request, problem)),
    }
}
