//! The tenants of an account, and a new one.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::Account;
use super::paging;
use super::posted::Posted;
use super::view::{Frame, base, failed, see};
use crate::domain::member::MemberRole;
use crate::domain::tenant::{AccountPolicy, DisplayName, Slug, TenantStatus};
use crate::flows::administration::tenants::{self, NewTenant};
use crate::flows::administration::{Problem, members};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/tenants.html")]
pub struct TenantsPage {
    pub frame: Frame,
    pub search: String,
    pub tenants: Vec<Line>,
    pub is_cut: bool,
    pub next: Option<String>,
}

pub struct Line {
    pub slug: String,
    pub name: String,
    pub href: String,
    /// What the account is there.
    pub role: Option<&'static str>,
    /// Why the tenant answers nobody, if it does not.
    pub closed: Option<String>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    account: Account,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let after = query.get("after").and_then(|slug| Slug::parse(slug).ok());
    let search = query.get("search").unwrap_or_default().trim().to_lowercase();
    let context = &state.context;
    let found: Result<Vec<_>, Problem> = if account.is_operator {
        let page = tenants::page(context, search.clone(), after, paging::WANTED).await;
        page.map(|page| page.into_iter().map(|tenant| (tenant, None)).collect())
    } else {
        let id = account.browser.profile.user.id;
        let page = members::tenants_of(context, id, after, paging::WANTED).await;
        page.map(|page| page.into_iter().map(|(tenant, role)| (tenant, Some(role))).collect())
    };
    let failed = |problem| failed(&request, problem);
    let mut found = found.map_err(failed)?;
    let has_more = paging::cut(&mut found);
    let last = found.last().filter(|_| has_more);
    let next = last.map(|(tenant, _)| {
        let query = [("after", tenant.slug.as_str()), ("search", &search)];
        paging::next("/console", &query)
    });
    // Those that are called so come after all whose slug begins so.
    let mut is_cut = false;
    if account.is_operator && !has_more && !search.is_empty() {
        let mut named = tenants::named(context, &search, paging::WANTED).await.map_err(failed)?;
        is_cut = paging::cut(&mut named);
        found.extend(named.into_iter().map(|tenant| (tenant, None)));
    }
    let tenants = found
        .into_iter()
        .map(|(tenant, role)| Line {
            href: base(tenant.slug.as_str()),
            slug: tenant.slug.to_string(),
            name: tenant.name.to_string(),
            role: role.map(MemberRole::as_str),
            closed: match (tenant.deletes_at, tenant.status) {
                (Some(at), _) => Some(format!("will be deleted on {at}")),
                (None, TenantStatus::Disabled) => Some("suspended".to_owned()),
                (None, TenantStatus::Active) => None,
            },
        })
        .collect();
    let frame = Frame::of_account(&account);
    let view = TenantsPage { frame, search, tenants, is_cut, next };
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
