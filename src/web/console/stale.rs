//! Two people changed one thing at once: what is there now beside what was sent, and the choice between them.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde_json::Value;

use super::access::Seat;
use super::posted::Posted;
use super::view::{Frame, failed};
use crate::flows::administration::{Problem, description};
use crate::web::hosted::{PageError, Policy, render_as};

#[derive(Template)]
#[template(path = "console/stale.html")]
pub struct StalePage {
    pub frame: Frame,
    pub version: String,
    /// Where the form was sent.
    pub action: String,
    /// Where it was shown.
    pub back: String,
    pub now: Vec<(String, String)>,
    pub sent: Vec<(String, String)>,
}

/// A file cannot be sent a second time without being chosen again.
pub const OF_A_FILE: &str = "somebody else changed the branding meanwhile, and nothing of yours was saved; this is \
     how it is now. Choose the picture again to put it in the place of this one.";

/// What a form is answered with that could not be saved. `back` is its page.
pub fn refused<L>(
    request: &HttpRequest,
    posted: &Posted<Seat<L>>,
    back: &str,
    problem: Problem,
) -> Result<HttpResponse, PageError> {
    let now = match problem {
        Problem::Stale(now) => now,
        other => return Err(failed(request, other)),
    };
    // The button is sent again, but nobody typed it.
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let view = StalePage {
        frame: Frame::of(&posted.by),
        version: description::version(&now),
        action: request.path().to_owned(),
        back: back.to_owned(),
        now: lines(&now),
        sent: posted.fields().map(own).collect(),
    };
    render_as(request, StatusCode::CONFLICT, &view, Policy::StaysHere)
}

fn lines(now: &Value) -> Vec<(String, String)> {
    let line = |(name, value): (&String, &Value)| (title(name), text(value));
    now.as_object().into_iter().flatten().map(line).collect()
}

/// What is described, as people read it.
pub fn title(name: &str) -> String {
    name.replace('_', " ")
}

pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
