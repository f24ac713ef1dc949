//! Who may see or change a tenant in the console.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Owner, Seat, Viewer};
use super::paging;
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed, see};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::UserId;
use crate::domain::member::MemberRole;
use crate::domain::parameters::Parameters;
use crate::flows::administration::{Problem, description, members};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/members.html")]
pub struct MembersPage {
    pub frame: Frame,
    pub is_owner: bool,
    pub search: String,
    pub members: Vec<Line>,
    pub next: Option<String>,
    pub error: Option<String>,
    pub email: String,
}

pub struct Line {
    pub id: String,
    pub email: String,
    pub role: &'static str,
    pub since: String,
    pub version: String,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    show(&request, &state, &seat, &query, None, "").await
}

async fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    query: &Parameters,
    error: Option<String>,
    email: &str,
) -> Result<HttpResponse, PageError> {
    let (context, frame) = (&state.context, Frame::of(seat));
    let search = query.get("search").unwrap_or_default().trim().to_owned();
    let listed = if search.is_empty() {
        let after = query.get("after").and_then(|id| UserId::parse(id).ok());
        members::page(context, &seat.tenant, after, paging::WANTED).await
    } else {
        members::search(context, &seat.tenant, &search).await
    };
    let mut listed = listed.map_err(|problem| failed(request, problem))?;
    let has_more = paging::cut(&mut listed);
    let last = listed.last().filter(|_| has_more).map(|last| last.account.id.to_string());
    let page = format!("{}/members", frame.base);
    let next = last.map(|id| paging::next(&page, &[("after", &id)]));
    let line = |listed: members::ListedMember| Line {
        id: listed.account.id.to_string(),
        email: listed.account.email.to_string(),
        version: description::version(&description::member(
            Some(&listed.account.email),
            Some(listed.member.role),
        )),
        role: listed.member.role.as_str(),
        since: listed.member.created_at.to_string(),
    };
    let view = MembersPage {
        frame,
        is_owner: seat.role == MemberRole::Owner,
        search,
        members: listed.into_iter().map(line).collect(),
        next,
        error,
        email: email.to_owned(),
    };
    render(request, &view, Policy::StaysHere)
}

pub async fn add(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Owner>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["email", "role"])?;
    let (seat, email) = (&posted.by, posted.field("email"));
    let admin = seat.administrator(&state.context);
    let role = MemberRole::parse(posted.field("role"));
    let added = match (EmailAddress::parse(email), role) {
        (Ok(email), Some(role)) => members::add(&admin, &seat.tenant, email, role).await.map(drop),
        (Err(why), _) => Err(Problem::Input(why.to_string())),
        (Ok(_), None) => Err(Problem::Input("a role is owner, admin or viewer".to_owned())),
    };
    match added {
        Ok(()) => Ok(see(format!("{}/members", Frame::of(seat).base))),
        Err(Problem::Input(why)) => {
            show(&request, &state, seat, &Parameters::default(), Some(why), email).await
        }
        Err(problem) => Err(failed(&request, problem)),
    }
}

/// Another role, or none.
pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Owner>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["role", "version"])?;
    let seat = &posted.by;
    let failed = |problem| failed(&request, problem);
    let id = UserId::parse(&path.1).map_err(|_| failed(Problem::Unknown))?;
    let role = match posted.field("role") {
        "none" => None,
        text => Some(MemberRole::parse(text).ok_or_else(|| {
            failed(Problem::Input("a role is owner, admin or viewer".to_owned()))
        })?),
    };
    let admin = seat.administrator(&state.context);
    let seen = posted.optional("version").map(str::to_owned);
    let page = format!("{}/members", Frame::of(seat).base);
    match members::change(&admin, &seat.tenant, id, seen, role).await {
        Ok(()) => Ok(see(page)),
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}
