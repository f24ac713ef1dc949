//! A tenant's logo: showing it, changing it, and trying how the login page would look with another.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::access::{Admin, Seat, Viewer};
use super::done::{Done, done};
use super::posted::WithFile;
use super::view::{Frame, failed};
use super::{branding, stale};
use crate::domain::logo::{Logo, LogoVersion};
use crate::flows::administration::Problem;
use crate::flows::administration::tenants::{self, TenantChange};
use crate::flows::logo;
use crate::web::error::ApiError;
use crate::web::extract::query::Query;
use crate::web::hosted::PageError;
use crate::web::hosted::logo::{self as hosted, Shown};
use crate::web::state::State;

/// The console shows it itself: a tenant that is closed, or has a host of its own, does not.
pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
    Query(query): Query,
) -> Result<HttpResponse, ApiError> {
    hosted::answer(&request, &state, &seat.tenant, query.get("v")).await
}

/// Where the console shows the tenant's logo.
pub fn shown<L>(seat: &Seat<L>) -> Option<Shown> {
    let path = format!("{}/branding/logo", Frame::of(seat).base);
    seat.tenant.logo.as_ref().map(|version| Shown::at(&path, version))
}

const FIELDS: [&str; 2] = ["version", "act"];

pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    upload: WithFile<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    let WithFile { posted, file } = upload;
    posted.only(&request, &FIELDS)?;
    let seat = &posted.by;
    let (logo, told) = match posted.field("act") {
        "remove" => (None, Done::LogoRemoved),
        _ => match drawn(&request, &state, file).await? {
            Ok(logo) => (Some(logo), Done::LogoSaved),
            Err(why) => return branding::refused(&request, seat, why),
        },
    };
    let change = TenantChange { logo: Some(logo), ..TenantChange::default() };
    let (admin, seen) = (seat.administrator(&state.context), posted.field("version").to_owned());
    match tenants::change_seen(&admin, seat.tenant.id, Some(seen), change).await {
        Ok(_) => Ok(done(&format!("{}/branding", Frame::of(seat).base), told)),
        Err(Problem::Stale(_)) => branding::refused(&request, seat, stale::OF_A_FILE.to_owned()),
        Err(problem) => Err(failed(&request, problem)),
    }
}

/// The login page with the logo that was chosen, which is not saved.
pub async fn preview(
    request: HttpRequest,
    state: web::Data<State>,
    upload: WithFile<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    let WithFile { posted, file } = upload;
    posted.only(&request, &FIELDS)?;
    let logo = drawn(&request, &state, file).await?;
    let logo = logo.map_err(|why| failed(&request, Problem::Input(why)))?;
    let src = format!("data:image/png;base64,{}", STANDARD.encode(&logo.png));
    let shown = Shown::inline(src, &LogoVersion::new(&logo, String::new()));
    branding::preview_with(&request, &state, &posted.by, Some(shown)).await
}

async fn drawn(
    request: &HttpRequest,
    state: &State,
    file: Vec<u8>,
) -> Result<Result<Logo, String>, PageError> {
    let drawn = logo::draw(&state.context, file).await;
    let drawn = drawn.map_err(|failure| PageError::failure(request, &failure))?;
    Ok(drawn.map_err(|why| why.to_string()))
}
