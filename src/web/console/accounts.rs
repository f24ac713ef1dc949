//! The console's accounts, and what each is a member of, for operators.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::Operator;
use super::paging;
use super::view::{Frame, base, failed};
use crate::domain::ids::UserId;
use crate::domain::tenant::CONSOLE_SLUG;
use crate::domain::user::User;
use crate::flows::Context;
use crate::flows::administration::{Problem, members, operators, users};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

/// Tenants of an account that are shown.
const SHOWN: i64 = 20;

#[derive(Template)]
#[template(path = "console/accounts.html")]
pub struct AccountsPage {
    pub frame: Frame,
    pub search: String,
    pub accounts: Vec<Line>,
    pub is_cut: bool,
    pub next: Option<String>,
}

pub struct Line {
    pub email: String,
    /// Its page among the users of the console's own tenant.
    pub href: String,
    pub is_operator: bool,
    /// Address, name and role.
    pub tenants: Vec<(String, String, &'static str)>,
    pub has_more: bool,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    Operator(account): Operator,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let failed = |problem| failed(&request, problem);
    let (context, search) = (&state.context, query.get("search").unwrap_or_default().trim());
    let console = operators::console_tenant(context).await.map_err(failed)?;
    let found = if search.is_empty() {
        let before = query.get("before").and_then(|id| UserId::parse(id).ok());
        users::page(context, &console, before, paging::WANTED).await
    } else {
        users::search(context, &console, search, paging::WANTED).await
    };
    let mut found = found.map_err(failed)?;
    let has_more = paging::cut(&mut found);
    let last = found.last().filter(|_| has_more && search.is_empty());
    let next =
        last.map(|user| paging::next("/console/accounts", &[("before", &user.id.to_string())]));
    let is_cut = has_more && next.is_none();
    let mut accounts = Vec::new();
    for user in found {
        accounts.push(line(context, user).await.map_err(failed)?);
    }
    let frame = Frame::of_account(&account);
    let view = AccountsPage { frame, search: search.to_owned(), accounts, is_cut, next };
    render(&request, &view, Policy::StaysHere)
}

async fn line(context: &Context, user: User) -> Result<Line, Problem> {
    let mut tenants = members::tenants_of(context, user.id, None, SHOWN + 1).await?;
    let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let has_more = tenants.len() > shown;
    tenants.truncate(shown);
    Ok(Line {
        is_operator: operators::is_operator(context, user.id).await?,
        href: format!("{}/users/{}", base(CONSOLE_SLUG), user.id),
        email: user.email.to_string(),
        tenants: tenants
            .into_iter()
            .map(|(tenant, role)| {
                let href = format!("{}/members", base(tenant.slug.as_str()));
                (href, tenant.name.to_string(), role.as_str())
            })
            .collect(),
        has_more,
    })
}
