//! Name, colour and logo of a tenant, and how its login page looks with them.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat, Viewer};
use super::done::{Done, done};
use super::logo;
use super::posted::Posted;
use super::stale;
use super::view::{Frame, failed};
use crate::domain::tenant::{Accent, DisplayName};
use crate::flows::administration::tenants::{self, TenantChange};
use crate::flows::administration::{Problem, description, providers};
use crate::web::hosted::federation_button::ProviderButton;
use crate::web::hosted::login::LoginPage;
use crate::web::hosted::logo::Shown;
use crate::web::hosted::{Page, PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/branding.html")]
pub struct BrandingPage {
    pub frame: Frame,
    pub error: Option<String>,
    pub version: String,
    pub name: String,
    pub colour: String,
    pub has_colour: bool,
    pub logo: Option<Shown>,
}

/// The page shows another of ours in a frame.
const WITH_FRAME: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; frame-src 'self'; \
     base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// That other: shown in a frame of ours alone, and its form leads nowhere.
const IN_FRAME: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     base-uri 'none'; frame-ancestors 'self'; form-action 'none'";

pub async fn get(request: HttpRequest, seat: Seat<Viewer>) -> Result<HttpResponse, PageError> {
    let Look { name, accent } = Look::of(&seat);
    show(&request, &seat, current(&seat), name.as_str(), accent, None)
}

/// The page as it is, and why something else on it was not saved.
pub fn refused(
    request: &HttpRequest,
    seat: &Seat<Admin>,
    why: String,
) -> Result<HttpResponse, PageError> {
    let Look { name, accent } = Look::of(seat);
    show(request, seat, current(seat), name.as_str(), accent, Some(why))
}

fn current<L>(seat: &Seat<L>) -> String {
    description::version(&description::tenant(&seat.tenant))
}

fn show<L>(
    request: &HttpRequest,
    seat: &Seat<L>,
    version: String,
    name: &str,
    accent: Option<Accent>,
    error: Option<String>,
) -> Result<HttpResponse, PageError> {
    let view = BrandingPage {
        frame: Frame::of(seat),
        error,
        version,
        name: name.to_owned(),
        colour: accent.unwrap_or(Accent::OURS).to_string(),
        has_colour: accent.is_some(),
        logo: logo::shown(seat),
    };
    let mut response = render(request, &view, Policy::StaysHere)?;
    let policy = HeaderValue::from_static(WITH_FRAME);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// How a tenant's pages look.
struct Look {
    name: DisplayName,
    accent: Option<Accent>,
}

impl Look {
    fn of<L>(seat: &Seat<L>) -> Self {
        Self { name: seat.tenant.name.clone(), accent: seat.tenant.accent }
    }

    fn posted(posted: &Posted<Seat<Admin>>) -> Result<Self, String> {
        let name = DisplayName::parse(posted.field("name")).map_err(|why| why.to_string())?;
        let accent = match posted.optional("own_colour") {
            Some(_) => Some(Accent::parse(posted.field("colour")).map_err(|why| why.to_string())?),
            None => None,
        };
        Ok(Self { name, accent })
    }
}

const FIELDS: [&str; 4] = ["version", "name", "own_colour", "colour"];

pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &FIELDS)?;
    let (seat, seen) = (&posted.by, posted.field("version").to_owned());
    let look = match Look::posted(&posted) {
        Ok(look) => look,
        Err(why) => {
            return show(&request, seat, seen, posted.field("name"), seat.tenant.accent, Some(why));
        }
    };
    let change = TenantChange {
        name: Some(look.name),
        accent: Some(look.accent),
        ..TenantChange::default()
    };
    let page = format!("{}/branding", Frame::of(seat).base);
    let admin = seat.administrator(&state.context);
    match tenants::change_seen(&admin, seat.tenant.id, Some(seen), change).await {
        Ok(_) => Ok(done(&page, Done::Saved)),
        Err(problem) => stale::refused(&request, &posted, &page, problem),
    }
}

/// The login page as it is.
pub async fn preview(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
) -> Result<HttpResponse, PageError> {
    preview_with(&request, &state, &seat, logo::shown(&seat)).await
}

/// The login page as it is but for the logo.
pub async fn preview_with<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    logo: Option<Shown>,
) -> Result<HttpResponse, PageError> {
    login_page(request, state, seat, Look::of(seat), logo).await
}

/// The login page as it would be.
pub async fn preview_of(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &FIELDS)?;
    let look = Look::posted(&posted).map_err(|why| failed(&request, Problem::Input(why)))?;
    login_page(&request, &state, &posted.by, look, logo::shown(&posted.by)).await
}

async fn login_page<L>(
    request: &HttpRequest,
    state: &State,
    seat: &Seat<L>,
    look: Look,
    logo: Option<Shown>,
) -> Result<HttpResponse, PageError> {
    let providers = providers::list(&state.context, &seat.tenant)
        .await
        .map_err(|problem| failed(request, problem))?;
    let buttons = providers.iter().map(ProviderButton::specimen).collect();
    let page = Page::branded(&look.name, look.accent, logo);
    let view = LoginPage::specimen(page, seat.tenant.accounts, buttons);
    let mut response = render(request, &view, Policy::StaysHere)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(IN_FRAME));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    Ok(response)
}
