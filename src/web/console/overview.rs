//! A tenant's first page.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::{Seat, Viewer};
use super::view::Frame;
use crate::domain::audit::Action;
use crate::flows::console::attention::{Attention, MOST_LETTERS};
use crate::flows::console::overview::{self, Overview, Progress};
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

#[derive(Template)]
#[template(path = "console/overview.html")]
pub struct OverviewPage {
    pub frame: Frame,
    pub issuer: String,
    pub progress: Progress,
    pub charts: Vec<Chart>,
    pub attention: Vec<Attention>,
}

impl OverviewPage {
    /// Letters are counted so far.
    const MOST: usize = MOST_LETTERS;
}

/// Bars, a day each.
pub struct Chart {
    pub title: &'static str,
    pub total: i64,
    pub bars: Vec<Bar>,
}

pub struct Bar {
    pub x: usize,
    pub y: i64,
    pub height: i64,
}

/// The height of the highest bar.
const HEIGHT: i64 = 40;

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
) -> Result<HttpResponse, PageError> {
    let seen = overview::overview(&state.context, &seat.tenant)
        .await
        .map_err(|failure| PageError::failure(&request, &failure))?;
    let Overview { sign_ins, sign_ups, failures, refreshes, progress, attention } = seen;
    let view = OverviewPage {
        frame: Frame::of(&seat),
        issuer: state.context.public_url.issuer(&seat.tenant),
        progress,
        charts: vec![
            chart("Sign-ins", &sign_ins),
            chart("Sign-ups", &sign_ups),
            chart("Failed sign-ins", &failures),
            chart("Refreshes", &refreshes),
        ],
        attention,
    };
    render(&request, &view, Policy::StaysHere)
}

fn chart(title: &'static str, counts: &[i64]) -> Chart {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |(at, count): (usize, &i64)| {
        let height = (count * HEIGHT + most - 1) / most;
        Bar { x: at * 8, y: HEIGHT - height, height }
    };
    Chart { title, total: counts.iter().sum(), bars: counts.iter().enumerate().map(bar).collect() }
}
