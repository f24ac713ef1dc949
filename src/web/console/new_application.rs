//! A new app: what is built, and what an app for it begins with.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat};
use super::applications::show_new;
use super::done::{Done, done};
use super::posted::Posted;
use super::view::{Frame, failed};
use crate::domain::application::{
    ApplicationKind, DirectLogin, Lifetimes, Party, TokenSettings, UpstreamTokenAccess,
};
use crate::domain::ids::ApplicationId;
use crate::domain::tenant::DisplayName;
use crate::flows::administration::Problem;
use crate::flows::administration::applications::{self, NewApplication};
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

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

const SERVER: (&str, &str) = ("http://localhost:3000/callback", "http://localhost:3000/");

static PRESETS: [Preset; 6] = [
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
    preset("node", "Node, or another server", ApplicationKind::Web, Some(SERVER)),
    preset("rust", "Rust", ApplicationKind::Web, Some(SERVER)),
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
    /// Of this form: sent twice, it makes one application.
    pub form: ApplicationId,
    pub name: String,
    /// Key, label, and whether it is chosen.
    pub presets: Vec<(&'static str, &'static str, bool)>,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Admin>,
) -> Result<HttpResponse, PageError> {
    let form = ApplicationId::generate(state.context.now(), &*state.context.entropy);
    ask(&request, &seat, form, None, "", "nextjs")
}

fn ask(
    request: &HttpRequest,
    seat: &Seat<Admin>,
    form: ApplicationId,
    error: Option<String>,
    name: &str,
    chosen: &str,
) -> Result<HttpResponse, PageError> {
    let line = |preset: &Preset| (preset.key, preset.label, preset.key == chosen);
    let view = NewApplicationPage {
        frame: Frame::of(seat),
        error,
        form,
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
    posted.only(&request, &["form", "name", "builds"])?;
    let (seat, name, builds) = (&posted.by, posted.field("name"), posted.field("builds"));
    let form = ApplicationId::parse(posted.field("form"))
        .unwrap_or_else(|_| ApplicationId::generate(state.context.now(), &*state.context.entropy));
    let id = applications::id_of_form(&seat.tenant, form);
    let page = format!("{}/apps/{id}", Frame::of(seat).base);
    let preset = PRESETS.iter().find(|preset| preset.key == builds);
    let (name, preset) = match (DisplayName::parse(name), preset) {
        (Ok(name), Some(preset)) => (name, preset),
        (Err(why), _) => return ask(&request, seat, form, Some(why.to_string()), name, builds),
        (Ok(_), None) => {
            let why = "choose what you build".to_owned();
            return ask(&request, seat, form, Some(why), name, builds);
        }
    };
    let admin = seat.administrator(&state.context);
    let new = from(preset, name, seat.tenant.lifetimes);
    match applications::create_as(&admin, &seat.tenant, id, new).await {
        Ok(made) if made.secret.is_some() => show_new(&request, &state, seat, &made, preset.key),
        Ok(_) => Ok(done(&page, Done::AppMade)),
        // The form was sent again: by a second click, or by loading the page anew that shows the secret.
        Err(Problem::Input(_))
            if applications::find(&state.context, &seat.tenant, id).await.is_ok() =>
        {
            Ok(done(&page, Done::AppMade))
        }
        Err(Problem::Input(why)) => {
            ask(&request, seat, form, Some(why), posted.field("name"), builds)
        }
        Err(problem) => Err(failed(&request, problem)),
    }
}

fn from(preset: &Preset, name: DisplayName, lifetimes: Lifetimes) -> NewApplication {
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
        upstream_tokens: UpstreamTokenAccess::Refused,
        tokens: TokenSettings::beginning_with(lifetimes),
        secret: None,
    }
}
