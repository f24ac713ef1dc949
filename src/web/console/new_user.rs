//! A new user: invited by mail, or created without a word.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat};
use super::done::{Done, done};
use super::paging;
use super::posted::Posted;
use super::view::{Frame, failed};
use crate::domain::email_address::EmailAddress;
use crate::domain::role::{Role, RoleKey};
use crate::domain::tenant::{DisplayName, EmailCode};
use crate::flows::administration::users::{self, NewAccount, Unfit, Way};
use crate::flows::administration::{Problem, roles};
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/new_user.html")]
pub struct NewUserPage {
    pub frame: Frame,
    pub form: NewUserForm,
    pub problems: Problems,
    /// And whether the user is to have it.
    pub roles: Vec<(Role, bool)>,
    /// The tenant has more than are offered: others are typed.
    pub has_more_roles: bool,
    pub has_email_code: bool,
}

/// What the form holds, right or wrong.
#[derive(Default)]
pub struct NewUserForm {
    pub email: String,
    pub name: String,
    pub is_created: bool,
    pub is_verified: bool,
    pub roles: BTreeSet<String>,
    pub other_roles: String,
}

/// What is wrong with it, field by field.
#[derive(Default)]
pub struct Problems {
    pub email: Option<String>,
    pub name: Option<String>,
    pub way: Option<String>,
    pub roles: Option<String>,
}

impl Problems {
    fn of(unfit: &Unfit) -> Self {
        let why = Some(unfit.to_string());
        match unfit {
            Unfit::Taken(_) => Self { email: why, ..Self::default() },
            Unfit::NoRole(_) | Unfit::TooManyRoles(_) => Self { roles: why, ..Self::default() },
        }
    }
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Admin>,
) -> Result<HttpResponse, PageError> {
    show(&request, &state, &seat, NewUserForm::default(), Problems::default()).await
}

async fn show(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<Admin>,
    form: NewUserForm,
    problems: Problems,
) -> Result<HttpResponse, PageError> {
    let offered = roles::page(&state.context, &seat.tenant, None, paging::WANTED).await;
    let mut offered = offered.map_err(|problem| failed(request, problem))?;
    let has_more_roles = paging::cut(&mut offered);
    let chosen = |role: Role| {
        let is_chosen = form.roles.contains(role.key.as_str());
        (role, is_chosen)
    };
    let view = NewUserPage {
        frame: Frame::of(seat),
        roles: offered.into_iter().map(chosen).collect(),
        has_more_roles,
        has_email_code: seat.tenant.accounts.email_code == EmailCode::On,
        form,
        problems,
    };
    render(request, &view, Policy::StaysHere)
}

impl NewUserForm {
    fn posted(posted: &Posted<Seat<Admin>>) -> Self {
        let field = |name: &str| posted.field(name).trim().to_owned();
        Self {
            email: field("email"),
            name: field("name"),
            is_created: posted.field("way") == "create",
            is_verified: posted.optional("verified").is_some(),
            roles: posted.list("role").into_iter().collect(),
            other_roles: field("other_roles"),
        }
    }

    fn parse(&self, way: &str) -> Result<NewAccount, Problems> {
        let mut problems = Problems::default();
        let email = kept(EmailAddress::parse(&self.email), &mut problems.email);
        let name = Some(self.name.as_str()).filter(|name| !name.is_empty());
        let name = kept(name.map(DisplayName::parse).transpose(), &mut problems.name);
        let typed = self.other_roles.split_whitespace();
        let keys = self.roles.iter().map(String::as_str).chain(typed);
        let roles: Result<Vec<_>, _> = keys.map(RoleKey::parse).collect();
        let roles = kept(roles, &mut problems.roles);
        let way = match way {
            "" | "invite" => Some(Way::Invited),
            "create" => Some(Way::Created { email_verified: self.is_verified }),
            _ => kept(Err("choose whether to invite or to create"), &mut problems.way),
        };
        match (email, name, roles, way) {
            (Some(email), Some(name), Some(roles), Some(way)) => {
                Ok(NewAccount { email, name, roles, way })
            }
            _ => Err(problems),
        }
    }
}

fn kept<T>(parsed: Result<T, impl ToString>, problem: &mut Option<String>) -> Option<T> {
    parsed.map_err(|why| *problem = Some(why.to_string())).ok()
}

pub async fn add(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["email", "name", "way", "verified", "role-*", "other_roles"])?;
    let (seat, form) = (&posted.by, NewUserForm::posted(&posted));
    let new = match form.parse(posted.field("way")) {
        Ok(new) => new,
        Err(problems) => return show(&request, &state, seat, form, problems).await,
    };
    let told = match new.way {
        Way::Invited => Done::UserInvited,
        Way::Created { .. } => Done::UserCreated,
    };
    let added = users::add(&seat.administrator(&state.context), &seat.tenant, new).await;
    match added.map_err(|problem: Problem| failed(&request, problem))? {
        Ok(user) => Ok(done(&format!("{}/users/{}", Frame::of(seat).base, user.id), told)),
        Err(unfit) => show(&request, &state, seat, form, Problems::of(&unfit)).await,
    }
}
