//! What happened in a tenant.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Map, Value};

use super::access::{Seat, Viewer};
use super::audit_export::{Export, Format};
use super::paging;
use super::stale::{text, title};
use super::view::{Frame, failed};
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::ids::AuditEventId;
use crate::flows::administration::{Problem, audit};
use crate::storage::AuditFilter;
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Template)]
#[template(path = "console/audit.html")]
pub struct AuditPage {
    pub frame: Frame,
    pub actions: Vec<&'static str>,
    pub action: String,
    pub about: String,
    /// Days.
    pub from: String,
    pub to: String,
    pub events: Vec<AuditEvent>,
    pub people: HashMap<String, String>,
    pub next: Option<String>,
    pub json_lines: String,
    pub csv: String,
}

pub async fn get(
    request: HttpRequest,
    state: web::Data<State>,
    seat: Seat<Viewer>,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let field = |name: &str| query.get(name).unwrap_or_default().trim().to_owned();
    let (action, about, from, to) = (field("action"), field("about"), field("from"), field("to"));
    let failed = |problem| failed(&request, problem);
    let mut filter = AuditFilter {
        action: Action::parse(&action),
        about: None,
        from: day(&from).map_err(failed)?,
        until: day(&to).map_err(failed)?.map(|day| day + DAY),
    };
    if !about.is_empty() {
        let ids = audit::ids(&state.context, &seat.tenant, &about).await;
        filter.about = Some(ids.map_err(failed)?);
    }
    let before = query.get("before").and_then(|id| AuditEventId::parse(id).ok());
    if let Some(format) = query.get("format").and_then(Format::parse) {
        let context = Arc::clone(&state.context);
        let export = Export::begin(context, seat.tenant, filter, before, format);
        return Ok(export.await.map_err(failed)?.answer());
    }
    let events = audit::page(&state.context, &seat.tenant, filter, before, paging::WANTED).await;
    let mut events = events.map_err(failed)?;
    let frame = Frame::of(&seat);
    let link = |more: (&str, &str)| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("action", &action)
            .append_pair("about", &about)
            .append_pair("from", &from)
            .append_pair("to", &to)
            .append_pair(more.0, more.1)
            .finish();
        format!("{}/audit?{query}", frame.base)
    };
    let has_more = paging::cut(&mut events);
    let next =
        events.last().filter(|_| has_more).map(|event| link(("before", &event.id.to_string())));
    let people = audit::people(&state.context, &seat.tenant, &events).await.map_err(failed)?;
    let view = AuditPage {
        people,
        next,
        json_lines: link(("format", "jsonl")),
        csv: link(("format", "csv")),
        actions: Action::ALL.iter().map(|action| action.as_str()).collect(),
        events,
        frame,
        action,
        about,
        from,
        to,
    };
    render(&request, &view, Policy::StaysHere)
}

/// `None` for no day.
fn day(text: &str) -> Result<Option<Timestamp>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let why = || Problem::Input(format!("`{text}` is no day; write it like 2026-11-26"));
    Timestamp::parse_day(text).map(Some).ok_or_else(why)
}

impl AuditPage {
    /// The person's address, or what else stands there.
    fn who(&self, id: &str) -> String {
        match (self.people.get(id), id.split_once(':')) {
            (Some(address), _) => address.clone(),
            (None, Some(("operator", _))) => "an operator of the deployment".to_owned(),
            (None, _) if id == "operator" => "the command line".to_owned(),
            (None, _) => id.to_owned(),
        }
    }

    /// Name, before and after of whatever became another.
    fn changes(&self, event: &AuditEvent) -> Vec<(String, String, String)> {
        let details = event.details.as_deref().unwrap_or_default();
        let details = serde_json::from_str::<Value>(details).unwrap_or_default();
        let (before, after) = (&details["before"], &details["after"]);
        if ![before, after].into_iter().any(Value::is_object) {
            return vec![("what".to_owned(), text(before), text(after))];
        }
        let mut names: Vec<&String> =
            [before, after].into_iter().filter_map(Value::as_object).flat_map(Map::keys).collect();
        names.sort();
        names.dedup();
        let changed = names.into_iter().filter(|name| before[*name] != after[*name]);
        let line = |name: &String| (title(name), text(&before[name]), text(&after[name]));
        changed.map(line).collect()
    }
}
