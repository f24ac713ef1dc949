//! What a tenant's new apps begin with, as the settings show it.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};

use super::access::{Admin, Seat};
use super::done::{Done, done};
use super::number::Number;
use super::posted::Posted;
use super::settings::{self, Draft};
use super::stale;
use crate::domain::application::{LifetimeProblem, Lifetimes};
use crate::flows::administration::Problem;
use crate::flows::administration::tenants::{self, TenantChange};
use crate::web::hosted::PageError;
use crate::web::state::State;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * 60;

/// What the settings say of lifetimes.
pub struct LifetimesSection {
    pub access_minutes: Number,
    pub idle_hours: Number,
    pub absolute_hours: Number,
}

impl LifetimesSection {
    pub fn of(lifetimes: Lifetimes) -> Self {
        Self {
            access_minutes: Number::of(lifetimes.access_token.as_secs() / MINUTE),
            idle_hours: Number::of(lifetimes.refresh_idle.as_secs() / HOUR),
            absolute_hours: Number::of(lifetimes.refresh_absolute.as_secs() / HOUR),
        }
    }

    /// As it was sent, to be mended.
    fn refused(posted: &Posted<Seat<Admin>>, problems: &[Option<String>; 3]) -> Self {
        let number = |name: &str, problem: &Option<String>| {
            Number::typed(posted.field(name), problem.as_ref())
        };
        let [access, idle, absolute] = problems;
        Self {
            access_minutes: number("access_minutes", access),
            idle_hours: number("idle_hours", idle),
            absolute_hours: number("absolute_hours", absolute),
        }
    }
}

pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    posted: Posted<Seat<Admin>>,
) -> Result<HttpResponse, PageError> {
    posted.only(&request, &["version", "access_minutes", "idle_hours", "absolute_hours"])?;
    let seat = &posted.by;
    let lifetimes = match parse(&posted) {
        Ok(lifetimes) => lifetimes,
        Err(problems) => {
            let lifetimes = Some(LifetimesSection::refused(&posted, &problems));
            let draft = Draft { lifetimes, ..Draft::default() };
            return settings::show(&request, &state, seat, draft).await;
        }
    };
    let change = TenantChange {
        access_token_life: Some(lifetimes.access_token),
        refresh_idle_life: Some(lifetimes.refresh_idle),
        refresh_absolute_life: Some(lifetimes.refresh_absolute),
        ..TenantChange::default()
    };
    let seen = Some(posted.field("version").to_owned());
    let admin = seat.administrator(&state.context);
    match tenants::change_seen(&admin, seat.tenant.id, seen, change).await {
        Ok(_) => Ok(done(&settings::page(seat), Done::Saved)),
        Err(Problem::Input(why)) => {
            let lifetimes = Some(LifetimesSection::refused(&posted, &[None, None, None]));
            let draft = Draft { lifetimes, ..Draft::refused(why) };
            settings::show(&request, &state, seat, draft).await
        }
        Err(problem) => stale::refused(&request, &posted, &settings::page(seat), problem),
    }
}

/// The lifetimes, or what is wrong with each.
fn parse(posted: &Posted<Seat<Admin>>) -> Result<Lifetimes, [Option<String>; 3]> {
    let number = |name: &str, most: u64, each: u64| {
        let number = posted.field(name).trim().parse::<u64>().ok();
        number
            .filter(|number| (1..=most).contains(number))
            .map(|number| Duration::from_secs(number * each))
            .ok_or_else(|| format!("A whole number from 1 to {most} is wanted."))
    };
    let read = [
        number("access_minutes", 60, MINUTE),
        number("idle_hours", 2_160, HOUR),
        number("absolute_hours", 2_160, HOUR),
    ];
    let [Ok(access_token), Ok(refresh_idle), Ok(refresh_absolute)] = read else {
        return Err(read.map(Result::err));
    };
    let lifetimes = Lifetimes { access_token, refresh_idle, refresh_absolute };
    let Err(problem) = lifetimes.check() else { return Ok(lifetimes) };
    let why = Some(sentence(problem));
    Err(match problem {
        LifetimeProblem::AccessToken => [why, None, None],
        LifetimeProblem::RefreshIdle => [None, why, None],
        LifetimeProblem::RefreshAbsolute => [None, None, why],
    })
}

fn sentence(problem: LifetimeProblem) -> String {
    let why = problem.to_string();
    let mut letters = why.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
