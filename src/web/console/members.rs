//! Who may see or change a tenant in the console.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Owner, Seat, Viewer};
use super::done::{Done, done};
use super::paging;
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::UserId;
use crate::domain::member::MemberRole;
use crate::domain::parameters::Parameters;
use crate::flows::administration::{Problem, description, members};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

const NO_ROLE: &str = "a role is owner, admin or viewer";

#[derive(Template)]
#[template(path = "console/members.html")]
pub struct MembersPage {
    pub frame: Frame,
    pub is_owner: bool,
    pub search: String,
    pub members: Vec<Line>,
    pub next: Option<String>,
    /// Of a member who was to be added: what was sent, and what is wrong with it.
    pub email: String,
    pub role: String,
    pub email_problem: Option<String>,
    pub role_problem: Option<String>,
}

/// A member who was refused, as they were sent.
#[derive(Default)]
struct Draft<'a> {
    email: &'a str,
    role: &'a str,
    email_problem: Option<String>,
    role_problem: Option<String>,
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
    show(&request, &state, &seat, &query, Draft::default()).await
}

async fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    query: &Parameters,
    draft: Draft<'_>,
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
        email: draft.email.to_owned(),
        role: draft.role.to_owned(),
        email_problem: draft.email_problem,
        role_problem: draft.role_problem,
    };
    render(request, &view, Policy::StaysHere)
}

pub async fn add(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Owner>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["email", "role"])?;
    let (seat, email, role) = (&posted.by, posted.field("email"), posted.field("role"));
    let draft = Draft { email, role, ..Draft::default() };
    let draft = match (EmailAddress::parse(email), MemberRole::parse(role)) {
        (Ok(email), Some(role)) => {
            let admin = seat.administrator(&state.context);
            match members::add(&admin, &seat.tenant, email, role).await {
                Ok(_) => {
                    let page = format!("{}/members", Frame::of(seat).base);
                    return Ok(done(&page, Done::MemberAdded));
                }
                Err(Problem::Input(why)) => Draft { email_problem: Some(why), ..draft },
                Err(problem) => return Err(failed(&request, problem)),
            }
        }
        (email, role) => Draft {
            email_problem: email.err().map(|why| why.to_string()),
            role_problem: role.is_none().then(|| NO_ROLE.to_owned()),
            ..draft
        },
    };
    show(&request, &state, seat, &Parameters::default(), draft).await
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
        text => {
            let role = MemberRole::parse(text);
            Some(role.ok_or_else(|| failed(Problem::Input(NO_ROLE.to_owned())))?)
        }
    };
    let told = if role.is_some() { Done::Saved } else { Done::MemberRemoved };
    let admin = seat.administrator(&state.context);
    let seen = posted.optional("version").map(str::to_owned);
    let page = format!("{}/members", Frame::of(seat).base);
    match members::change(&admin, &seat.tenant, id, seen, role).await {
        Ok(()) => Ok(done(&page, told)),
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}
