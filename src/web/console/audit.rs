//! What happened in a tenant.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::json;

use super::access::{Seat, Viewer};
use super::paging;
use super::view::{Frame, failed};
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::ids::AuditEventId;
use crate::flows::administration::audit;
use crate::storage::AuditFilter;
use crate::web::extract::query::Query;
use crate::web::hosted::{PageError, Policy, render};
use crate::web::state::State;

/// Events in a file at most; `before` leads to those before them.
const EXPORTED: i64 = 10_000;

#[derive(Template)]
#[template(path = "console/audit.html")]
pub struct AuditPage {
    pub frame: Frame,
    pub actions: Vec<&'static str>,
    pub action: String,
    pub about: String,
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
    let action = query.get("action").unwrap_or_default().to_owned();
    let about = query.get("about").unwrap_or_default().trim().to_owned();
    let filter = AuditFilter {
        action: Action::parse(&action),
        about: Some(about.clone()).filter(|about| !about.is_empty()),
    };
    let before = query.get("before").and_then(|id| AuditEventId::parse(id).ok());
    let export = query.get("format").and_then(Export::parse);
    let limit = if export.is_some() { EXPORTED } else { paging::WANTED };
    let mut events = audit::page(&state.context, &seat.tenant, filter, before, limit)
        .await
        .map_err(|problem| failed(&request, problem))?;
    if let Some(export) = export {
        return Ok(export.answer(&events));
    }
    let frame = Frame::of(&seat);
    let link = |more: (&str, &str)| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("action", &action)
            .append_pair("about", &about)
            .append_pair(more.0, more.1)
            .finish();
        format!("{}/audit?{query}", frame.base)
    };
    let has_more = paging::cut(&mut events);
    let next =
        events.last().filter(|_| has_more).map(|event| link(("before", &event.id.to_string())));
    let people = audit::people(&state.context, &seat.tenant, &events)
        .await
        .map_err(|problem| failed(&request, problem))?;
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
    };
    render(&request, &view, Policy::StaysHere)
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
}

/// How events leave the house.
#[derive(Clone, Copy)]
enum Export {
    /// A line of JSON for each.
    JsonLines,
    /// RFC 4180.
    Csv,
}

impl Export {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "jsonl" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    fn answer(self, events: &[AuditEvent]) -> HttpResponse {
        let (content_type, name, body) = match self {
            Self::JsonLines => {
                ("application/jsonl", "audit.jsonl", events.iter().map(json_line).collect())
            }
            Self::Csv => {
                let lines: String = events.iter().map(csv_line).collect();
                let head = "id,at,action,actor,target,address,details\r\n";
                ("text/csv; charset=utf-8", "audit.csv", format!("{head}{lines}"))
            }
        };
        HttpResponse::Ok()
            .content_type(content_type)
            .insert_header(("Content-Disposition", format!("attachment; filename=\"{name}\"")))
            .body::<String>(body)
    }
}

fn json_line(event: &AuditEvent) -> String {
    let details = event.details.as_deref();
    let details = details.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let line = json!({
        "id": event.id,
        "at": event.at.to_string(),
        "action": event.action.as_str(),
        "actor": event.actor,
        "target": event.target,
        "address": event.address,
        "details": details,
    });
    format!("{line}\n")
}

fn csv_line(event: &AuditEvent) -> String {
    let (id, at) = (event.id.to_string(), event.at.to_string());
    let optional = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    let (address, details) = (optional(&event.address), optional(&event.details));
    let fields = [&id, &at, event.action.as_str(), &event.actor, &event.target, &address, &details];
    let line = fields.map(csv_field).join(",");
    format!("{line}\r\n")
}

/// In quotes, and never a formula to whatever opens the file (OWASP, "CSV Injection").
fn csv_field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
