//! The roles of a tenant.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat, Viewer};
use super::done::{Done, done};
use super::paging;
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed};
use crate::domain::ids::RoleId;
use crate::domain::parameters::Parameters;
use crate::domain::role::RoleKey;
use crate::flows::administration::roles::{self, Direction};
use crate::flows::administration::{Problem, description};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/roles.html")]
pub struct RolesPage {
    pub frame: Frame,
    pub search: String,
    pub roles: Vec<Line>,
    pub is_first_page: bool,
    pub is_cut: bool,
    pub next: Option<String>,
    pub error: Option<String>,
    pub key: String,
    pub description: String,
}

pub struct Line {
    pub id: String,
    pub key: String,
    pub description: String,
    pub version: String,
    /// Some who have it.
    pub holders: Vec<(String, String)>,
    pub has_more: bool,
}

/// Holders that are shown.
const SHOWN: usize = 5;

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    show(&request, &state, &seat, &query, Draft::default()).await
}

/// A new role that was refused, as it was sent.
#[derive(Default)]
struct Draft<'a> {
    error: Option<String>,
    key: &'a str,
    description: &'a str,
}

/// Where a page goes on: after the role of that rank and key.
fn after(text: &str) -> Option<(i32, RoleKey)> {
    let (rank, key) = text.split_once('.')?;
    Some((rank.parse().ok()?, RoleKey::parse(key).ok()?))
}

async fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    query: &Parameters,
    draft: Draft<'_>,
) -> Result<HttpResponse, PageError> {
    let (context, frame) = (&state.context, Frame::of(seat));
    let failed = |problem| failed(request, problem);
    let search = query.get("search").unwrap_or_default().trim().to_owned();
    let after = query.get("after").and_then(after);
    let is_first_page = after.is_none();
    let found = match search.as_str() {
        "" => roles::page(context, &seat.tenant, after, paging::WANTED).await,
        text => roles::search(context, &seat.tenant, text, paging::WANTED).await,
    };
    let mut found = found.map_err(failed)?;
    let has_more = paging::cut(&mut found);
    let page = format!("{}/roles", frame.base);
    let last = found.last().filter(|_| has_more && search.is_empty());
    let next =
        last.map(|role| paging::next(&page, &[("after", &format!("{}.{}", role.rank, role.key))]));
    let mut lines = Vec::new();
    for role in found {
        let limit = i64::try_from(SHOWN + 1).unwrap_or(i64::MAX);
        let mut holders =
            roles::holders(context, &seat.tenant, role.id, None, limit).await.map_err(failed)?;
        let has_more = holders.len() > SHOWN;
        holders.truncate(SHOWN);
        let link = |user: crate::domain::user::User| {
            (format!("{}/users/{}", frame.base, user.id), user.email.to_string())
        };
        lines.push(Line {
            id: role.id.to_string(),
            version: description::version(&description::role(&role)),
            key: role.key.to_string(),
            description: role.description,
            holders: holders.into_iter().map(link).collect(),
            has_more,
        });
    }
    let view = RolesPage {
        frame,
        is_cut: has_more && next.is_none(),
        search,
        roles: lines,
        is_first_page,
        next,
        error: draft.error,
        key: draft.key.to_owned(),
        description: draft.description.to_owned(),
    };
    render(request, &view, Policy::StaysHere)
}

pub async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["key", "description"])?;
    let (seat, key, text) = (&posted.by, posted.field("key"), posted.field("description"));
    let admin = seat.administrator(&state.context);
    let made = match RoleKey::parse(key) {
        Ok(key) => roles::create(&admin, &seat.tenant, key, text.to_owned()).await.map(drop),
        Err(why) => Err(Problem::Input(why.to_string())),
    };
    match made {
        Ok(()) => Ok(done(&format!("{}/roles", Frame::of(seat).base), Done::RoleMade)),
        Err(Problem::Input(why)) => {
            let draft = Draft { error: Some(why), key, description: text };
            show(&request, &state, seat, &Parameters::default(), draft).await
        }
        Err(problem) => Err(failed(&request, problem)),
    }
}

pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["version", "description", "act"])?;
    let (seat, tenant) = (&posted.by, &posted.by.tenant);
    let admin = seat.administrator(&state.context);
    let failed = |problem| failed(&request, problem);
    let id = RoleId::parse(&path.1).map_err(|_| failed(Problem::Unknown))?;
    let seen = posted.optional("version");
    let (acted, told) = match posted.field("act") {
        "up" => (roles::shift(&admin, tenant, id, seen, Direction::Up).await, Done::RoleMoved),
        "down" => (roles::shift(&admin, tenant, id, seen, Direction::Down).await, Done::RoleMoved),
        "delete" => (roles::delete(&admin, tenant, id).await, Done::RoleDeleted),
        _ => {
            let text = posted.field("description").to_owned();
            let version = posted.field("version");
            (roles::describe(&admin, tenant, id, version, text).await, Done::Saved)
        }
    };
    let page = format!("{}/roles", Frame::of(seat).base);
    match acted {
        Ok(()) => Ok(done(&page, told)),
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}
