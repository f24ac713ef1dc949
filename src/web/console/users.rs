//! The users of a tenant.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Seat, Viewer};
use super::paging;
use super::view::{Frame, failed};
use crate::domain::ids::{RoleId, UserId};
use crate::domain::user::User;
use crate::flows::administration::{Problem, roles, users};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/users.html")]
pub struct UsersPage {
    pub frame: Frame,
    pub search: String,
    /// The key of the role that they have, if they are those of a role.
    pub role: Option<String>,
    pub users: Vec<User>,
    /// More are found than are shown.
    pub is_cut: bool,
    pub next: Option<String>,
}

pub async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let (context, frame) = (&state.context, Frame::of(&seat));
    let search = query.get("search").unwrap_or_default().trim().to_owned();
    let before = query.get("before").and_then(|id| UserId::parse(id).ok());
    let failed = |problem| failed(&request, problem);
    let role = match query.get("role").filter(|_| search.is_empty()) {
        Some(id) => {
            let id = RoleId::parse(id).map_err(|_| failed(Problem::Unknown))?;
            Some(roles::find(context, &seat.tenant, id).await.map_err(failed)?)
        }
        None => None,
    };
    let found = match &role {
        Some(role) => roles::holders(context, &seat.tenant, role.id, before, paging::WANTED).await,
        None if search.is_empty() => {
            users::page(context, &seat.tenant, before, paging::WANTED).await
        }
        None => users::search(context, &seat.tenant, &search, paging::WANTED).await,
    };
    let mut users = found.map_err(failed)?;
    let has_more = paging::cut(&mut users);
    let last = users.last().filter(|_| has_more && search.is_empty());
    let of_role = role.as_ref().map(|role| role.id.to_string()).unwrap_or_default();
    let next = last.map(|user| {
        let query = [("role", &*of_role), ("before", &user.id.to_string())];
        paging::next(&format!("{}/users", frame.base), &query)
    });
    let role = role.map(|role| role.key.to_string());
    let is_cut = has_more && next.is_none();
    render(&request, &UsersPage { frame, search, role, users, is_cut, next }, Policy::StaysHere)
}
