//! The users of a tenant.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat, Viewer};
use super::paging;
use super::posted::Posted;
use super::view::{Frame, failed, see};
use crate::domain::audit::AuditEvent;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::{ApplicationId, RoleId, SessionId, UserId};
use crate::domain::parameters::Parameters;
use crate::domain::role::{Role, RoleKey};
use crate::domain::tenant::DisplayName;
use crate::domain::user::{User, UserStatus};
use crate::flows::administration::users::{self, Act, Detail};
use crate::flows::administration::{Problem, applications, audit, roles};
use crate::flows::console::preview;
use crate::storage::{ApplicationFilter, AuditFilter};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

/// Events of a user that are shown; the audit log has all.
const EVENTS: i64 = 20;

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

#[derive(Template)]
#[template(path = "console/invite.html")]
pub struct InvitePage {
    pub frame: Frame,
    pub error: Option<String>,
    pub email: String,
    pub name: String,
}

pub async fn new(request: HttpRequest, seat: Seat<Admin>) -> Result<HttpResponse, PageError> {
    let (email, name) = (String::new(), String::new());
    let view = InvitePage { frame: Frame::of(&seat), error: None, email, name };
    render(&request, &view, Policy::StaysHere)
}

pub async fn invite(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["email", "name"])?;
    let (seat, email) = (&posted.by, posted.field("email"));
    let parsed = EmailAddress::parse(email).map_err(|why| why.to_string());
    let parsed = parsed.and_then(|email| {
        let name = posted.optional("name").map(DisplayName::parse).transpose();
        Ok((email, name.map_err(|why| why.to_string())?))
    });
    let invited = match parsed {
        Ok((email, name)) => {
            let admin = seat.administrator(&state.context);
            users::invite(&admin, &seat.tenant, email, name, Vec::new()).await
        }
        Err(why) => Err(Problem::Input(why)),
    };
    let frame = Frame::of(seat);
    match invited {
        Ok(user) => Ok(see(format!("{}/users/{}", frame.base, user.id))),
        Err(Problem::Input(why)) => {
            let (email, name) = (email.to_owned(), posted.field("name").to_owned());
            let view = InvitePage { frame, error: Some(why), email, name };
            render(&request, &view, Policy::StaysHere)
        }
        Err(problem) => Err(failed(&request, problem)),
    }
}

#[derive(Template)]
#[template(path = "console/user.html")]
pub struct UserPage {
    pub frame: Frame,
    pub user: User,
    pub is_active: bool,
    pub detail: Detail,
    /// And whether the user has it.
    pub roles: Vec<(Role, bool)>,
    /// What the roles are looked for by.
    pub role_search: String,
    pub has_more_roles: bool,
    /// The roles that the form was made on.
    pub seen: String,
    pub events: Vec<AuditEvent>,
    /// Id, name, and whether it is looked at.
    pub apps: Vec<(String, String, bool)>,
    pub app_search: String,
    pub has_more_apps: bool,
    pub access_token: Option<String>,
    pub id_token: Option<String>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    seat: Seat<Viewer>,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let view =
        look(&state, &path.1, &seat, &query).await.map_err(|problem| failed(&request, problem))?;
    render(&request, &view, Policy::StaysHere)
}

async fn look(
    state: &State,
    id: &str,
    seat: &Seat<Viewer>,
    query: &Parameters,
) -> Result<UserPage, Problem> {
    let (context, tenant) = (&state.context, &seat.tenant);
    let id = UserId::parse(id).map_err(|_| Problem::Unknown)?;
    let detail = users::detail(context, tenant, id).await?;
    let filter = AuditFilter { about: Some(vec![id.to_string()]), ..AuditFilter::default() };
    let events = audit::page(context, tenant, filter, None, EVENTS).await?;
    let app = query.get("app").and_then(|id| ApplicationId::parse(id).ok());
    let preview = match app {
        Some(app) => preview::tokens(context, tenant, detail.profile.clone(), app).await?,
        None => None,
    };
    let (access_token, id_token) = preview.map_or((None, None), |(access, id)| {
        (Some(format!("{access:#}")), Some(format!("{id:#}")))
    });
    let text = |name: &str| query.get(name).unwrap_or_default().trim().to_owned();
    let (app_search, role_search) = (text("app_search"), text("role_search"));
    let filter = ApplicationFilter { text: app_search.clone(), acts_for_users: true };
    let mut apps =
        applications::page(context, tenant, filter, None, paging::CHOICES_WANTED).await?;
    let has_more_apps = paging::cut_choices(&mut apps);
    let mut offered = if role_search.is_empty() {
        roles::page(context, tenant, None, paging::CHOICES_WANTED).await?
    } else {
        roles::search(context, tenant, &role_search, paging::CHOICES_WANTED).await?
    };
    let has_more_roles = paging::cut_choices(&mut offered);
    let has = &detail.profile.roles;
    // All that the user has are shown, whatever is looked for: the form says all that they are to have.
    let mut shown: Vec<(Role, bool)> = users::roles_of(context, tenant, has.clone())
        .await?
        .into_iter()
        .map(|role| (role, true))
        .collect();
    shown.extend(
        offered.into_iter().filter(|role| !has.contains(&role.key)).map(|role| (role, false)),
    );
    Ok(UserPage {
        frame: Frame::of(seat),
        user: detail.profile.user.clone(),
        is_active: detail.profile.user.status == UserStatus::Active,
        roles: shown,
        role_search,
        has_more_roles,
        seen: has.iter().map(RoleKey::as_str).collect::<Vec<_>>().join(" "),
        events,
        apps: apps
            .into_iter()
            .map(|it| (it.id.to_string(), it.name.to_string(), app == Some(it.id)))
            .collect(),
        app_search,
        has_more_apps,
        access_token,
        id_token,
        detail,
    })
}

pub async fn assign_roles(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["seen", "role-*"])?;
    let seat = &posted.by;
    let failed = |problem| failed(&request, problem);
    let id = UserId::parse(&path.1).map_err(|_| failed(Problem::Unknown))?;
    let seen = posted.field("seen").split(' ').filter(|key| !key.is_empty());
    let seen: Result<Vec<_>, _> = seen.map(RoleKey::parse).collect();
    let seen = seen.map_err(|why| failed(Problem::Input(why.to_string())))?;
    let wanted: Result<Vec<_>, _> =
        posted.list("role").iter().map(|id| RoleId::parse(id)).collect();
    let wanted = wanted.map_err(|_| failed(Problem::Unknown))?;
    let admin = seat.administrator(&state.context);
    users::assign_roles(&admin, &seat.tenant, id, seen, wanted).await.map_err(failed)?;
    Ok(see(format!("{}/users/{id}", Frame::of(seat).base)))
}

pub async fn act(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["act", "name", "session"])?;
    let seat = &posted.by;
    let failed = |problem| failed(&request, problem);
    let id = UserId::parse(&path.1).map_err(|_| failed(Problem::Unknown))?;
    let act = match posted.field("act") {
        "rename" => {
            let name = posted.optional("name").map(DisplayName::parse).transpose();
            Act::Rename(name.map_err(|why| failed(Problem::Input(why.to_string())))?)
        }
        "verify" => Act::Verify,
        "disable" => Act::Disable,
        "enable" => Act::Enable,
        "end-session" => {
            let session = SessionId::parse(posted.field("session"));
            Act::EndSession(session.map_err(|_| failed(Problem::Unknown))?)
        }
        "end-sessions" => Act::EndSessions,
        "require-reset" => Act::RequireReset,
        "delete" => Act::Delete,
        _ => return Err(failed(Problem::Input("there is no such button".to_owned()))),
    };
    let is_deletion = matches!(act, Act::Delete);
    let admin = seat.administrator(&state.context);
    users::act(&admin, &seat.tenant, id, act).await.map_err(failed)?;
    let base = Frame::of(seat).base;
    Ok(see(if is_deletion { format!("{base}/users") } else { format!("{base}/users/{id}") }))
}
