//! The keys that a tenant's tokens are signed with.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Seat, Viewer};
use super::posted::Posted;
use super::view::{Frame, failed, see};
use crate::domain::signing_key::{KeyState, PUBLISHED_AFTER_USE, ROTATION_PERIOD};
use crate::flows::administration::Problem;
use crate::flows::administration::keys::{self, Takeover};
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/keys.html")]
pub struct KeysPage {
    pub frame: Frame,
    pub keys: Vec<Line>,
}

pub struct Line {
    pub kid: String,
    pub algorithm: &'static str,
    pub state: &'static str,
    pub what_next: String,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
) -> Result<HttpResponse, PageError> {
    let context = &state.context;
    let stored =
        keys::list(context, &seat.tenant).await.map_err(|problem| failed(&request, problem))?;
    let now = context.now();
    let lines = stored.iter().map(|key| {
        let (life, state) = (&key.life, key.life.state(now));
        let ends = life.retires_at.unwrap_or(life.activates_at + ROTATION_PERIOD);
        let what_next = match state {
            KeyState::Upcoming => format!("signs from {}", life.activates_at),
            KeyState::Active => format!("signs until {ends}"),
            KeyState::Retired => format!("published until {}", ends + PUBLISHED_AFTER_USE),
            KeyState::Removed => "published no more".to_owned(),
        };
        Line {
            kid: key.kid.clone(),
            algorithm: key.algorithm.as_str(),
            state: state.as_str(),
            what_next,
        }
    });
    let view = KeysPage { frame: Frame::of(&seat), keys: lines.collect() };
    render(&request, &view, Policy::StaysHere)
}

pub async fn rotate(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["takeover"])?;
    let seat = &posted.by;
    let takeover = match posted.field("takeover") {
        "now" => Takeover::Now,
        "announced" => Takeover::Announced,
        _ => return Err(failed(&request, Problem::Input("choose when to rotate".to_owned()))),
    };
    let admin = seat.administrator(&state.context);
    keys::rotate(&admin, &seat.tenant, takeover)
        .await
        .map_err(|problem| failed(&request, problem))?;
    Ok(see(format!("{}/keys", Frame::of(seat).base)))
}
