//! One user of a tenant: who they are, how they get in, and what an admin may do to their account.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat, Viewer};
use super::done::{Done, done};
use super::paging;
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed};
use crate::domain::audit::AuditEvent;
use crate::domain::ids::{ApplicationId, FamilyId, SessionId, UserId};
use crate::domain::parameters::Parameters;
use crate::domain::role::{Role, RoleKey};
use crate::domain::tenant::DisplayName;
use crate::domain::user::{User, UserStatus};
use crate::flows::administration::users::{self, Act, Detail};
use crate::flows::administration::{Problem, applications, audit, description, roles};
use crate::flows::console::preview::{self, Preview};
use crate::storage::{ApplicationFilter, AuditFilter};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

/// Events of a user that are shown; the audit log has all.
const EVENTS: i64 = 20;
/// Of sessions and of refresh families, the last used first.
const SHOWN: usize = 20;
/// The flow lists no more of them.
const LISTED: usize = 100;

/// How many there are of which `SHOWN` are shown, in words; `None` if those are all.
fn rest(count: usize) -> Option<String> {
    match count.saturating_sub(SHOWN) {
        0 => None,
        more if count < LISTED => Some(format!("and {more} more, last used before these")),
        more => Some(format!("and {more} or more, last used before these")),
    }
}

/// What ending them all ends.
fn all(sessions: usize) -> String {
    match sessions {
        1 => "one session".to_owned(),
        count if count < LISTED => format!("{count} sessions"),
        count => format!("{count} or more sessions"),
    }
}

#[derive(Template)]
#[template(path = "console/user.html")]
pub struct UserPage {
    pub frame: Frame,
    pub user: User,
    pub is_active: bool,
    pub detail: Detail,
    pub identities: Vec<IdentityLine>,
    pub families: Vec<FamilyLine>,
    /// How many sessions and families are not shown, in words.
    pub more_sessions: Option<String>,
    pub more_families: Option<String>,
    /// How many sessions there are, in words.
    pub all_sessions: String,
    /// And whether the user has it.
    pub roles: Vec<(Role, bool)>,
    /// What the roles are looked for by.
    pub role_search: String,
    pub has_more_roles: bool,
    /// Of the name and of the roles: an edit says on which it was made.
    pub name_version: String,
    pub roles_version: String,
    pub error: Option<String>,
    /// As it was typed.
    pub name: String,
    pub events: Vec<AuditEvent>,
    /// Id, name, and whether it is looked at.
    pub apps: Vec<(String, String, bool)>,
    pub app_search: String,
    pub has_more_apps: bool,
    pub tokens: Option<Tokens>,
}

/// An account at a provider that opens this one.
pub struct IdentityLine {
    pub provider: String,
    pub key: String,
    /// The address that it has there, or else what the provider calls it.
    pub known_as: String,
}

/// One sign-in to one app, which goes on as long as the app refreshes its tokens.
pub struct FamilyLine {
    pub id: String,
    pub app: String,
    pub app_id: String,
    pub begun_at: String,
    pub used_at: String,
    pub expires_at: String,
}

/// What is shown under the tokens' preview.
pub enum Tokens {
    Claims { access: String, id: String },
    None(&'static str),
}

impl Tokens {
    fn of(preview: Preview) -> Self {
        match preview {
            Preview::Tokens { access, id } => {
                Self::Claims { access: format!("{access:#}"), id: format!("{id:#}") }
            }
            Preview::UserDisabled => Self::None("No token would be issued: the user is disabled."),
            Preview::ApplicationDisabled => {
                Self::None("No token would be issued: the application is disabled or is no user's.")
            }
            Preview::TenantClosed => {
                Self::None("No token would be issued: the tenant answers nobody.")
            }
        }
    }
}

/// A name that was refused, as it was sent.
#[derive(Default)]
struct Draft<'a> {
    error: Option<String>,
    name: Option<&'a str>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    seat: Seat<Viewer>,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let id = parse(&request, &path.1)?;
    show(&request, &state, &seat, id, &query, Draft::default()).await
}

fn parse(request: &HttpRequest, id: &str) -> Result<UserId, PageError> {
    UserId::parse(id).map_err(|_| failed(request, Problem::Unknown))
}

async fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    id: UserId,
    query: &Parameters,
    draft: Draft<'_>,
) -> Result<HttpResponse, PageError> {
    let view = look(state, id, seat, query, draft).await;
    render(request, &view.map_err(|problem| failed(request, problem))?, Policy::StaysHere)
}

async fn look<L>(
    state: &State,
    id: UserId,
    seat: &Seat<L>,
    query: &Parameters,
    draft: Draft<'_>,
) -> Result<UserPage, Problem> {
    let (context, tenant) = (&state.context, &seat.tenant);
    let mut detail = users::detail(context, tenant, id).await?;
    let filter = AuditFilter { about: Some(vec![id.to_string()]), ..AuditFilter::default() };
    let events = audit::page(context, tenant, filter, None, EVENTS).await?;
    let app = query.get("app").and_then(|id| ApplicationId::parse(id).ok());
    let tokens = match app {
        Some(app) => {
            let preview = preview::tokens(context, tenant, detail.profile.clone(), app).await?;
            Some(Tokens::of(preview))
        }
        None => None,
    };
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
    let user = detail.profile.user.clone();
    let all_sessions = all(detail.sessions.len());
    let more_sessions = rest(detail.sessions.len());
    let more_families = rest(detail.families.len());
    detail.sessions.truncate(SHOWN);
    detail.families.truncate(SHOWN);
    let families = &detail.families;
    let names = users::names(context, tenant, &detail.identities, families).await?;
    let families = families.iter().map(|family| FamilyLine {
        id: family.id.to_string(),
        app: match names.applications.get(&family.grant.application_id) {
            Some(name) => name.to_string(),
            None => family.grant.application_id.to_string(),
        },
        app_id: family.grant.application_id.to_string(),
        begun_at: family.id.made_at().to_string(),
        used_at: family.rotated_at.to_string(),
        expires_at: family.idle_expires_at.min(family.expires_at).to_string(),
    });
    let families = families.collect();
    let identities = detail.identities.iter().map(|identity| {
        let provider = names.providers.get(&identity.provider_id);
        IdentityLine {
            provider: provider.map(|it| it.name.to_string()).unwrap_or_default(),
            key: provider.map(|it| it.key.to_string()).unwrap_or_default(),
            known_as: match &identity.email {
                Some(email) => email.clone(),
                None => identity.subject.as_str().to_owned(),
            },
        }
    });
    let identities = identities.collect();
    let name = user.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let name_version = description::version(&description::name(user.name.as_ref()));
    let roles_version = description::version(&description::roles(has));
    Ok(UserPage {
        frame: Frame::of(seat),
        is_active: user.status == UserStatus::Active,
        user,
        identities,
        families,
        more_sessions,
        more_families,
        all_sessions,
        roles: shown,
        role_search,
        has_more_roles,
        name_version,
        roles_version,
        error: draft.error,
        name: draft.name.map_or(name, str::to_owned),
        events,
        apps: apps
            .into_iter()
            .map(|it| (it.id.to_string(), it.name.to_string(), app == Some(it.id)))
            .collect(),
        app_search,
        has_more_apps,
        tokens,
        detail,
    })
}

pub async fn assign_roles(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["version", "role-*"])?;
    let (seat, id) = (&posted.by, parse(&request, &path.1)?);
    let wanted: Result<Vec<_>, _> =
        posted.list("role").iter().map(|key| RoleKey::parse(key)).collect();
    let wanted = wanted.map_err(|why| failed(&request, Problem::Input(why.to_string())))?;
    let (admin, seen) = (seat.administrator(&state.context), posted.field("version").to_owned());
    let page = format!("{}/users/{id}", Frame::of(seat).base);
    match users::assign_roles(&admin, &seat.tenant, id, seen, wanted).await {
        Ok(()) => Ok(done(&page, Done::RolesSaved)),
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}

pub async fn act(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["act", "version", "name", "session", "family"])?;
    let (seat, id) = (&posted.by, parse(&request, &path.1)?);
    let failed = |problem| failed(&request, problem);
    let (act, told) = match posted.field("act") {
        "rename" => {
            let name = match posted.optional("name").map(DisplayName::parse).transpose() {
                Ok(name) => name,
                Err(why) => {
                    let draft =
                        Draft { error: Some(why.to_string()), name: posted.optional("name") };
                    let query = Parameters::default();
                    return show(&request, &state, seat, id, &query, draft).await;
                }
            };
            let seen = posted.optional("version").map(str::to_owned);
            (Act::Rename { seen, name }, Done::Saved)
        }
        "verify" => (Act::Verify, Done::UserVerified),
        "disable" => (Act::Disable, Done::UserDisabled),
        "enable" => (Act::Enable, Done::UserEnabled),
        "end-session" => {
            let session = SessionId::parse(posted.field("session"));
            let session = session.map_err(|_| failed(Problem::Unknown))?;
            (Act::EndSession(session), Done::SessionEnded)
        }
        "end-family" => {
            let family = FamilyId::parse(posted.field("family"));
            let family = family.map_err(|_| failed(Problem::Unknown))?;
            (Act::EndFamily(family), Done::FamilyEnded)
        }
        "end-sessions" => (Act::EndSessions, Done::SessionsEnded),
        "require-reset" => (Act::RequireReset, Done::ResetRequired),
        "delete" => (Act::Delete, Done::UserDeleted),
        _ => return Err(failed(Problem::Input("there is no such button".to_owned()))),
    };
    let list = format!("{}/users", Frame::of(seat).base);
    let page = format!("{list}/{id}");
    let admin = seat.administrator(&state.context);
    match users::act(&admin, &seat.tenant, id, act).await {
        Ok(()) if told == Done::UserDeleted => Ok(done(&list, told)),
        Ok(()) => Ok(done(&page, told)),
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}
