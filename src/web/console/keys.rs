//! The keys that a tenant's tokens are signed with.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Admin, Owner, Seat, Viewer};
use super::done::{Done, done};
use super::posted::Posted;
use super::view::{Frame, failed};
use crate::domain::member::MemberRole;
use crate::domain::signing_key::KeyState;
use crate::flows::administration::Problem;
use crate::flows::administration::keys::{self, Takeover};
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/keys.html")]
pub struct KeysPage {
    pub frame: Frame,
    pub is_owner: bool,
    pub keys: Vec<Line>,
}

pub struct Line {
    pub kid: String,
    pub algorithm: &'static str,
    pub state: &'static str,
    pub created_at: String,
    /// Whole days.
    pub age: i64,
    /// What becomes of it, and when.
    pub times: Vec<(&'static str, String)>,
    pub is_retired: bool,
}

const DAY_SECONDS: i64 = 24 * 60 * 60;

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
        let mut times = match state {
            KeyState::Upcoming => vec![
                ("signs from", life.activates_at.to_string()),
                ("until", life.signs_until().to_string()),
            ],
            KeyState::Active => vec![("signs until", life.signs_until().to_string())],
            KeyState::Retired => vec![("signed until", life.signs_until().to_string())],
            KeyState::Removed => Vec::new(),
        };
        times.push(("published until", life.published_until().to_string()));
        if let Some(at) = life.next_rotation() {
            times.push(("successor announced", at.to_string()));
        }
        Line {
            kid: key.kid.clone(),
            algorithm: key.algorithm.as_str(),
            state: state.as_str(),
            created_at: key.created_at.to_string(),
            age: (now.as_secs() - key.created_at.as_secs()).div_euclid(DAY_SECONDS),
            times,
            is_retired: state == KeyState::Retired,
        }
    });
    let view = KeysPage {
        frame: Frame::of(&seat),
        is_owner: seat.role == MemberRole::Owner,
        keys: lines.collect(),
    };
    render(&request, &view, Policy::StaysHere)
}

pub async fn rotate(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["takeover"])?;
    let seat = &posted.by;
    let (takeover, told) = match posted.field("takeover") {
        "now" => (Takeover::Now, Done::KeysReplaced),
        "announced" => (Takeover::Announced, Done::KeysAnnounced),
        _ => return Err(failed(&request, Problem::Input("choose when to rotate".to_owned()))),
    };
    let admin = seat.administrator(&state.context);
    keys::rotate(&admin, &seat.tenant, takeover)
        .await
        .map_err(|problem| failed(&request, problem))?;
    Ok(done(&format!("{}/keys", Frame::of(seat).base), told))
}

/// A retired key goes before its time.
pub async fn withdraw(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Owner>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["kid"])?;
    let seat = &posted.by;
    let admin = seat.administrator(&state.context);
    keys::withdraw(&admin, &seat.tenant, posted.field("kid"))
        .await
        .map_err(|problem| failed(&request, problem))?;
    Ok(done(&format!("{}/keys", Frame::of(seat).base), Done::KeyWithdrawn))
}
