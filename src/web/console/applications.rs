//! The apps of a tenant.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Account, Admin, Seat, Viewer};
use super::application_form::{self, Problems};
use super::done::{Done, done};
use super::paging;
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed};
use crate::domain::application::{
    Application, ApplicationKind, ApplicationStatus, DirectLogin, Party, UpstreamTokenAccess,
};
use crate::domain::ids::{ApplicationId, ClientSecretId};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::secret::Secret;
use crate::domain::signing_key::Algorithm;
use crate::flows::administration::applications::{self, MadeApplication};
use crate::flows::administration::{Problem, description};
use crate::storage::{ApplicationFilter, ListedApplication};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/applications.html")]
pub struct ApplicationsPage {
    pub frame: Frame,
    pub search: String,
    pub applications: Vec<ListedApplication>,
    pub is_cut: bool,
    pub next: Option<String>,
}

pub async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let frame = Frame::of(&seat);
    let search = query.get("search").unwrap_or_default().trim().to_owned();
    let after = query.get("after").and_then(|id| ApplicationId::parse(id).ok());
    let filter = ApplicationFilter { text: search.clone(), acts_for_users: false };
    let after = after.filter(|_| search.is_empty());
    let mut found = applications::page(&state.context, &seat.tenant, filter, after, paging::WANTED)
        .await
        .map_err(|problem| failed(&request, problem))?;
    let has_more = paging::cut(&mut found);
    let last = found.last().filter(|_| has_more && search.is_empty());
    let page = format!("{}/apps", frame.base);
    let next = last.map(|app| paging::next(&page, &[("after", &app.id.to_string())]));
    let is_cut = has_more && next.is_none();
    let view = ApplicationsPage { frame, search, applications: found, is_cut, next };
    render(&request, &view, Policy::StaysHere)
}

#[derive(Template)]
#[template(path = "console/application.html")]
pub struct ApplicationPage {
    pub frame: Frame,
    /// What is wrong with the form as a whole.
    pub error: Option<String>,
    pub problems: Problems,
    pub app: Application,
    pub name: String,
    pub version: String,
    pub issuer: String,
    /// The `aud` of its access tokens.
    pub shown_audience: String,
    /// Shown once.
    pub secret: Option<String>,
    /// Which code to paste is shown open.
    pub builds: &'static str,
    /// Label, name of its fields, and values with room for more.
    pub lists: Vec<(&'static str, &'static str, Vec<String>)>,
    pub audience: String,
    pub direct_login: bool,
    pub is_third_party: bool,
    pub has_upstream_tokens: bool,
    /// Each with whether it is the one.
    pub access_algorithms: Vec<(&'static str, bool)>,
    pub id_algorithms: Vec<(&'static str, bool)>,
    /// Seconds; empty for what is right for its kind.
    pub reuse_window: String,
    pub access_minutes: String,
    pub idle_hours: String,
    pub absolute_hours: String,
}

/// Why a form was not saved.
enum Refused {
    Whole(String),
    Fields(Problems),
}

impl ApplicationPage {
    /// What is wrong with a field, if anything is.
    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.of(field)
    }

    /// The entry of a list, by its name and place.
    fn entry(list: &str, place: &usize) -> String {
        format!("{list}-{place}")
    }

    /// Of an input: that its value is wrong, and where it says why. The first such input has the focus.
    fn marks(&self, field: &str, hint: &str) -> Marks {
        let is_wrong = self.problem(field).is_some();
        let problem = is_wrong.then(|| format!("{field}-problem"));
        let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
        let described_by: Vec<String> = problem.into_iter().chain(hint).collect();
        Marks {
            is_wrong,
            is_first: self.problems.first() == Some(field),
            described_by: described_by.join(" "),
        }
    }

    /// As it was sent, to be mended.
    fn refilled(mut self, posted: &Posted<Seat<Admin>>, refused: Refused) -> Self {
        let field = |name: &str| posted.field(name).to_owned();
        for (_, name, values) in &mut self.lists {
            *values = with_room(posted.list(name));
        }
        let (error, problems) = match refused {
            Refused::Whole(why) => (Some(why), Problems::default()),
            Refused::Fields(problems) => (None, problems),
        };
        let algorithms = |name: &str, old: Vec<(&'static str, bool)>| {
            Algorithm::parse(posted.field(name)).map_or(old, algorithms)
        };
        Self {
            error,
            problems,
            access_algorithms: algorithms("access_algorithm", self.access_algorithms),
            id_algorithms: algorithms("id_algorithm", self.id_algorithms),
            name: field("name"),
            version: field("version"),
            audience: field("audience"),
            direct_login: posted.optional("direct_login").is_some(),
            is_third_party: posted.optional("third_party").is_some(),
            has_upstream_tokens: posted.optional("upstream_tokens").is_some(),
            reuse_window: field("reuse_window"),
            access_minutes: field("access_minutes"),
            idle_hours: field("idle_hours"),
            absolute_hours: field("absolute_hours"),
            ..self
        }
    }
}

#[derive(Template)]
#[template(
    source = r#"{% if is_wrong %} aria-invalid="true"{% endif %}{% if !described_by.is_empty() %} aria-describedby="{{ described_by }}"{% endif %}{% if is_first %} autofocus{% endif %}"#,
    ext = "html"
)]
pub struct Marks {
    is_wrong: bool,
    is_first: bool,
    described_by: String,
}

fn with_room(mut values: Vec<String>) -> Vec<String> {
    values.resize(values.len() + ROOM, String::new());
    values
}

fn algorithms(chosen: Algorithm) -> Vec<(&'static str, bool)> {
    Algorithm::ALL.map(|known| (known.as_str(), known == chosen)).to_vec()
}

/// Empty fields for further entries of a list.
const ROOM: usize = 2;

/// The page of an app that has just been made, for what its admin builds.
pub(super) fn show_new<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    made: &MadeApplication,
    builds: &'static str,
) -> Result<HttpResponse, PageError> {
    let view = view(state, seat, &made.application, made.secret.as_ref());
    answer(request, seat, &ApplicationPage { builds, ..view })
}

/// What an app was made for, as far as its redirect URIs tell.
fn builds(app: &Application) -> &'static str {
    let is_auth_js = |uri: &RedirectUri| uri.to_string().contains("/api/auth/callback/");
    if app.redirect_uris.iter().any(is_auth_js) { "nextjs" } else { "node" }
}

/// The app's page; `secret` has just been made.
pub(super) fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    app: &Application,
    secret: Option<&Secret>,
) -> Result<HttpResponse, PageError> {
    answer(request, seat, &view(state, seat, app, secret))
}

fn view<L>(
    state: &State,
    seat: &Seat<L>,
    app: &Application,
    secret: Option<&Secret>,
) -> ApplicationPage {
    let frame = Frame::of(seat);
    let with_room = |values| if frame.may_change { with_room(values) } else { values };
    let uris = |uris: &[RedirectUri]| with_room(uris.iter().map(ToString::to_string).collect());
    let origins = app.allowed_origins.iter().map(|origin| origin.as_str().to_owned()).collect();
    let lists = vec![
        ("Redirect URIs", "redirect", uris(&app.redirect_uris)),
        ("Redirect URIs after sign-out", "logout", uris(&app.post_logout_redirect_uris)),
        ("Allowed origins (CORS)", "origin", with_room(origins)),
    ];
    let hours = |life: Duration| (life.as_secs() / 3_600).to_string();
    let issuer = state.context.public_url.issuer(&seat.tenant);
    ApplicationPage {
        frame,
        error: None,
        problems: Problems::default(),
        name: app.name.to_string(),
        version: description::version(&description::application(app)),
        shown_audience: match &app.audience {
            Some(audience) => audience.as_str().to_owned(),
            None => issuer.clone(),
        },
        issuer,
        secret: secret.map(|secret| secret.expose().to_owned()),
        builds: builds(app),
        lists: if app.kind.acts_for_users() { lists } else { Vec::new() },
        audience: app.audience.as_ref().map(|it| it.as_str().to_owned()).unwrap_or_default(),
        direct_login: app.direct_login == DirectLogin::Allowed,
        is_third_party: app.party == Party::Third,
        has_upstream_tokens: app.upstream_tokens == UpstreamTokenAccess::Allowed,
        access_algorithms: algorithms(app.tokens.access_token_algorithm),
        id_algorithms: algorithms(app.tokens.id_token_algorithm),
        reuse_window: app
            .tokens
            .reuse_window
            .map(|window| window.as_secs().to_string())
            .unwrap_or_default(),
        access_minutes: (app.tokens.access_token_life.as_secs() / 60).to_string(),
        idle_hours: hours(app.tokens.refresh_idle_life),
        absolute_hours: hours(app.tokens.refresh_absolute_life),
        app: app.clone(),
    }
}

fn answer<L>(
    request: &HttpRequest,
    seat: &Seat<L>,
    view: &ApplicationPage,
) -> Result<HttpResponse, PageError> {
    // A trial leads to the sign-in, which may be on a host of the tenant's own.
    let leads_to = [view.issuer.clone()];
    let policy = match seat.tenant.domain {
        Some(_) => Policy::LeadsToAny(&leads_to),
        None => Policy::StaysHere,
    };
    let mut response = render(request, view, policy)?;
    let_fetch(&mut response);
    Ok(response)
}

/// Its script asks us about what is typed.
fn let_fetch(response: &mut HttpResponse) {
    let headers = response.headers_mut();
    let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|it| it.to_str().ok());
    let wider = format!("{}; connect-src 'self'", policy.unwrap_or_default());
    if let Ok(wider) = header::HeaderValue::from_str(&wider) {
        headers.insert(header::CONTENT_SECURITY_POLICY, wider);
    }
}

/// What is wrong with a redirect URI while it is typed; nothing, if it may be saved.
pub async fn check_redirect_uri(_: Account, Query(query): Query) -> HttpResponse {
    let kind = query.get("kind").and_then(ApplicationKind::parse).unwrap_or(ApplicationKind::Web);
    let parsed = RedirectUri::parse(query.get("uri").unwrap_or_default().trim(), kind);
    let problem = parsed.err().map(|why| why.to_string()).unwrap_or_default();
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(problem)
}

async fn find<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    id: &str,
) -> Result<Application, PageError> {
    let id = ApplicationId::parse(id).map_err(|_| failed(request, Problem::Unknown))?;
    applications::find(&state.context, &seat.tenant, id)
        .await
        .map_err(|problem| failed(request, problem))
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    seat: Seat<Viewer>,
) -> Result<HttpResponse, PageError> {
    let application = find(&request, &state, &seat, &path.1).await?;
    show(&request, &state, &seat, &application, None)
}

pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(
        &request,
        &[
            "version",
            "name",
            "redirect-*",
            "logout-*",
            "origin-*",
            "audience",
            "direct_login",
            "third_party",
            "upstream_tokens",
            "access_algorithm",
            "id_algorithm",
            "reuse_window",
            "access_minutes",
            "idle_hours",
            "absolute_hours",
        ],
    )?;
    let seat = &posted.by;
    let old = find(&request, &state, seat, &path.1).await?;
    let admin = seat.administrator(&state.context);
    let again = |refused| {
        answer(&request, seat, &view(&state, seat, &old, None).refilled(&posted, refused))
    };
    let change = match application_form::changed(&posted, &old) {
        Ok(change) => change,
        Err(problems) => return again(Refused::Fields(problems)),
    };
    let version = posted.field("version");
    let changed = applications::change(&admin, &seat.tenant, old.id, version, change).await;
    let page = format!("{}/apps/{}", Frame::of(seat).base, old.id);
    match changed {
        Ok(_) => Ok(done(&page, Done::Saved)),
        Err(Problem::Input(why)) => again(Refused::Whole(why)),
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}

/// Secrets, and whether the app works at all.
pub async fn act(
    request: HttpRequest,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["act", "secret"])?;
    let (seat, tenant) = (&posted.by, &posted.by.tenant);
    let app = find(&request, &state, seat, &path.1).await?;
    let failed = |problem| failed(&request, problem);
    let admin = seat.administrator(&state.context);
    let list = format!("{}/apps", Frame::of(seat).base);
    let (acted, told) = match posted.field("act") {
        "add-secret" => {
            let added = applications::add_secret(&admin, tenant, app.id).await;
            let secret = added.map_err(failed)?;
            let app = find(&request, &state, seat, &path.1).await?;
            return show(&request, &state, seat, &app, Some(&secret));
        }
        "remove-secret" => match ClientSecretId::parse(posted.field("secret")) {
            Ok(secret) => {
                let removed = applications::remove_secret(&admin, tenant, app.id, secret).await;
                (removed, Done::SecretRemoved)
            }
            Err(_) => (Err(Problem::Unknown), Done::SecretRemoved),
        },
        "disable" => {
            let status = ApplicationStatus::Disabled;
            (applications::set_status(&admin, tenant, app.id, status).await, Done::AppDisabled)
        }
        "enable" => {
            let status = ApplicationStatus::Active;
            (applications::set_status(&admin, tenant, app.id, status).await, Done::AppEnabled)
        }
        "make-default" => {
            (applications::make_default(&admin, tenant, app.id).await, Done::AppDefault)
        }
        "delete" => (applications::delete(&admin, tenant, app.id).await, Done::AppDeleted),
        _ => return Err(failed(Problem::Input("there is no such button".to_owned()))),
    };
    acted.map_err(failed)?;
    let page = if told == Done::AppDeleted { list } else { format!("{list}/{}", app.id) };
    Ok(done(&page, told))
}
