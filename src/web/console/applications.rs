//! The apps of a tenant.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Account, Admin, Posted, Seat, Viewer};
use super::stale;
use super::view::{Frame, failed, see};
use crate::domain::application::{
    Application, ApplicationKind, ApplicationStatus, DirectLogin, Party, TokenSettings,
};
use crate::domain::ids::{ApplicationId, ClientSecretId};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::secret::Secret;
use crate::domain::tenant::DisplayName;
use crate::flows::administration::applications::{self, ApplicationChange, NewApplication};
use crate::flows::administration::{Problem, description};
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/applications.html")]
pub struct ApplicationsPage {
    pub frame: Frame,
    pub applications: Vec<Application>,
}

pub async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
) -> Result<HttpResponse, PageError> {
    let applications = applications::list(&state.context, &seat.tenant)
        .await
        .map_err(|problem| failed(&request, problem))?;
    let view = ApplicationsPage { frame: Frame::of(&seat), applications };
    render(&request, &view, Policy::StaysHere)
}

/// What an admin builds, and what an app for it begins with.
struct Preset {
    key: &'static str,
    label: &'static str,
    kind: ApplicationKind,
    redirect_uri: Option<&'static str>,
    after_sign_out: Option<&'static str>,
    origin: Option<&'static str>,
    direct_login: DirectLogin,
}

const fn preset(
    key: &'static str,
    label: &'static str,
    kind: ApplicationKind,
    uris: Option<(&'static str, &'static str)>,
) -> Preset {
    let (redirect_uri, after_sign_out) = match uris {
        Some((redirect_uri, after_sign_out)) => (Some(redirect_uri), Some(after_sign_out)),
        None => (None, None),
    };
    let direct_login = DirectLogin::Refused;
    Preset { key, label, kind, redirect_uri, after_sign_out, origin: None, direct_login }
}

static PRESETS: [Preset; 5] = [
    Preset {
        direct_login: DirectLogin::Allowed,
        ..preset(
            "nextjs",
            "Next.js",
            ApplicationKind::Web,
            Some(("http://localhost:3000/api/auth/callback/doorward", "http://localhost:3000/")),
        )
    },
    Preset {
        origin: Some("http://localhost:5173"),
        ..preset(
            "spa",
            "Single-page app",
            ApplicationKind::Spa,
            Some(("http://localhost:5173/callback", "http://localhost:5173/")),
        )
    },
    preset(
        "server",
        "Node, Rust or another server",
        ApplicationKind::Web,
        Some(("http://localhost:3000/callback", "http://localhost:3000/")),
    ),
    preset(
        "native",
        "Native or mobile app",
        ApplicationKind::Native,
        Some(("http://127.0.0.1/callback", "http://127.0.0.1/")),
    ),
    preset("service", "Machine to machine", ApplicationKind::Service, None),
];

#[derive(Template)]
#[template(path = "console/new_application.html")]
pub struct NewApplicationPage {
    pub frame: Frame,
    pub error: Option<String>,
    pub name: String,
    /// Key, label, and whether it is chosen.
    pub presets: Vec<(&'static str, &'static str, bool)>,
}

pub async fn new(request: HttpRequest, seat: Seat<Admin>) -> Result<HttpResponse, PageError> {
    ask(&request, &seat, None, "", "nextjs")
}

fn ask(
    request: &HttpRequest,
    seat: &Seat<Admin>,
    error: Option<String>,
    name: &str,
    chosen: &str,
) -> Result<HttpResponse, PageError> {
    let line = |preset: &Preset| (preset.key, preset.label, preset.key == chosen);
    let view = NewApplicationPage {
        frame: Frame::of(seat),
        error,
        name: name.to_owned(),
        presets: PRESETS.iter().map(line).collect(),
    };
    render(request, &view, Policy::StaysHere)
}

/// Shows the secret, this once.
pub async fn create(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["name", "builds"])?;
    let (seat, name, builds) = (&posted.by, posted.field("name"), posted.field("builds"));
    let preset = PRESETS.iter().find(|preset| preset.key == builds);
    let made = match (DisplayName::parse(name), preset) {
        (Ok(name), Some(preset)) => {
            let admin = seat.administrator(&state.context);
            applications::create(&admin, &seat.tenant, from(preset, name)).await
        }
        (Err(why), _) => Err(Problem::Input(why.to_string())),
        (Ok(_), None) => Err(Problem::Input("choose what you build".to_owned())),
    };
    match made {
        Ok(made) => show(&request, &state, seat, &made.application, made.secret.as_ref()),
        Err(Problem::Input(why)) => ask(&request, seat, Some(why), name, builds),
        Err(problem) => Err(failed(&request, problem)),
    }
}

fn from(preset: &Preset, name: DisplayName) -> NewApplication {
    let list = |text: Option<&str>| text.map(str::to_owned).into_iter().collect();
    NewApplication {
        name,
        kind: preset.kind,
        redirect_uris: list(preset.redirect_uri),
        post_logout_redirect_uris: list(preset.after_sign_out),
        allowed_origins: list(preset.origin),
        audience: None,
        direct_login: preset.direct_login,
        is_default: false,
        party: Party::First,
        tokens: TokenSettings::default(),
        secret: None,
    }
}

#[derive(Template)]
#[template(path = "console/application.html")]
pub struct ApplicationPage {
    pub frame: Frame,
    pub app: Application,
    pub version: String,
    pub issuer: String,
    /// Shown once.
    pub secret: Option<String>,
    /// Label, name of its fields, and values with room for more.
    pub lists: Vec<(&'static str, &'static str, Vec<String>)>,
    pub audience: String,
    pub access_minutes: u64,
    pub idle_hours: u64,
    pub absolute_hours: u64,
}

/// Empty fields for further entries of a list.
const ROOM: usize = 2;

fn show<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    app: &Application,
    secret: Option<&Secret>,
) -> Result<HttpResponse, PageError> {
    let with_room = |mut values: Vec<String>| {
        values.resize(values.len() + ROOM, String::new());
        values
    };
    let uris = |uris: &[RedirectUri]| with_room(uris.iter().map(ToString::to_string).collect());
    let origins = app.allowed_origins.iter().map(|origin| origin.as_str().to_owned()).collect();
    let lists = vec![
        ("Redirect URIs", "redirect", uris(&app.redirect_uris)),
        ("Redirect URIs after sign-out", "logout", uris(&app.post_logout_redirect_uris)),
        ("Allowed origins (CORS)", "origin", with_room(origins)),
    ];
    let hours = |life: Duration| life.as_secs() / 3_600;
    let view = ApplicationPage {
        frame: Frame::of(seat),
        version: description::version(&description::application(app)),
        issuer: state.context.public_url.issuer(&seat.tenant),
        secret: secret.map(|secret| secret.expose().to_owned()),
        lists: if app.kind.acts_for_users() { lists } else { Vec::new() },
        audience: app.audience.as_ref().map(|it| it.as_str().to_owned()).unwrap_or_default(),
        access_minutes: app.tokens.access_token_life.as_secs() / 60,
        idle_hours: hours(app.tokens.refresh_idle_life),
        absolute_hours: hours(app.tokens.refresh_absolute_life),
        app: app.clone(),
    };
    // A trial leads to the sign-in, which may be on a host of the tenant's own.
    let leads_to = [view.issuer.clone()];
    let policy = match seat.tenant.domain {
        Some(_) => Policy::LeadsToAny(&leads_to),
        None => Policy::StaysHere,
    };
    let mut response = render(request, &view, policy)?;
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
            "access_minutes",
            "idle_hours",
            "absolute_hours",
        ],
    )?;
    let seat = &posted.by;
    let old = find(&request, &state, seat, &path.1).await?;
    let failed = |problem| failed(&request, problem);
    let number = |name: &str| {
        let why = || failed(Problem::Input(format!("{name} is a whole number")));
        posted.field(name).trim().parse::<u32>().map(u64::from).map_err(|_| why())
    };
    let name = DisplayName::parse(posted.field("name"))
        .map_err(|why| failed(Problem::Input(why.to_string())))?;
    let change = ApplicationChange {
        name,
        redirect_uris: posted.list("redirect"),
        post_logout_redirect_uris: posted.list("logout"),
        allowed_origins: posted.list("origin"),
        audience: posted.optional("audience").map(str::to_owned),
        direct_login: match posted.optional("direct_login") {
            Some(_) => DirectLogin::Allowed,
            None => DirectLogin::Refused,
        },
        party: old.party,
        tokens: TokenSettings {
            access_token_life: Duration::from_secs(number("access_minutes")? * 60),
            refresh_idle_life: Duration::from_secs(number("idle_hours")? * 3_600),
            refresh_absolute_life: Duration::from_secs(number("absolute_hours")? * 3_600),
            ..old.tokens
        },
    };
    let admin = seat.administrator(&state.context);
    let version = posted.field("version");
    let page = format!("{}/apps/{}", Frame::of(seat).base, old.id);
    match applications::change(&admin, &seat.tenant, old.id, version, change).await {
        Ok(_) => Ok(see(page)),
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
    let base = Frame::of(seat).base;
    let done = match posted.field("act") {
        "add-secret" => {
            let added = applications::add_secret(&admin, tenant, app.id).await;
            let secret = added.map_err(failed)?;
            let app = find(&request, &state, seat, &path.1).await?;
            return show(&request, &state, seat, &app, Some(&secret));
        }
        "remove-secret" => match ClientSecretId::parse(posted.field("secret")) {
            Ok(secret) => applications::remove_secret(&admin, tenant, app.id, secret).await,
            Err(_) => Err(Problem::Unknown),
        },
        "disable" => {
            applications::set_status(&admin, tenant, app.id, ApplicationStatus::Disabled).await
        }
        "enable" => {
            applications::set_status(&admin, tenant, app.id, ApplicationStatus::Active).await
        }
        "make-default" => applications::make_default(&admin, tenant, app.id).await,
        "delete" => {
            applications::delete(&admin, tenant, app.id).await.map_err(failed)?;
            return Ok(see(format!("{base}/apps")));
        }
        _ => Err(Problem::Input("there is no such button".to_owned())),
    };
    done.map_err(failed)?;
    Ok(see(format!("{base}/apps/{}", app.id)))
}
