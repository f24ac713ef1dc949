//! The audit log as a file: all of it, a page at a time, however long it is.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waker, Poll, ready};

use actix_web::HttpResponse;
use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::LocalBoxFuture;
use serde_json::json;

use crate::domain::audit::AuditEvent;
use crate::domain::ids::AuditEventId;
use crate::domain::tenant::Tenant;
use crate::flows::Context;
use crate::flows::administration::{Problem, audit};
use crate::storage::AuditFilter;

/// Events that are in memory at once.
const PAGE: i64 = 1_000;

/// How events leave the house.
#[derive(Clone, Copy)]
pub enum Format {
    /// A line of JSON for each.
    JsonLines,
    /// RFC 4180.
    Csv,
}

impl Format {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "jsonl" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::JsonLines => "",
            Self::Csv => "id,at,action,actor,target,address,details\r\n",
        }
    }

    fn line(self, event: &AuditEvent) -> String {
        match self {
            Self::JsonLines => json_line(event),
            Self::Csv => csv_line(event),
        }
    }
}

type Page = Result<Vec<AuditEvent>, Problem>;

/// The file as it is written. Whoever goes away drops it, and nothing more is read.
pub struct Export {
    context: Arc<Context>,
    tenant: Tenant,
    filter: AuditFilter,
    format: Format,
    /// What comes next; `None` at the end.
    next: Option<LocalBoxFuture<'static, Page>>,
    is_begun: bool,
}

impl Export {
    /// Reads the first page, so that a failure is still answered as one.
    pub async fn begin(
        context: Arc<Context>,
        tenant: Tenant,
        filter: AuditFilter,
        before: Option<AuditEventId>,
        format: Format,
    ) -> Result<Self, Problem> {
        let first = audit::page(&context, &tenant, filter.clone(), before, PAGE).await?;
        let next: LocalBoxFuture<'static, Page> = Box::pin(async move { Ok(first) });
        Ok(Self { context, tenant, filter, format, next: Some(next), is_begun: false })
    }

    pub fn answer(self) -> HttpResponse {
        let (content_type, name) = match self.format {
            Format::JsonLines => ("application/jsonl", "audit.jsonl"),
            Format::Csv => ("text/csv; charset=utf-8", "audit.csv"),
        };
        HttpResponse::Ok()
            .content_type(content_type)
            .insert_header(("Content-Disposition", format!("attachment; filename=\"{name}\"")))
            .streaming(self)
    }

    fn read_before(&self, before: AuditEventId) -> LocalBoxFuture<'static, Page> {
        let (context, tenant) = (Arc::clone(&self.context), self.tenant.clone());
        let filter = self.filter.clone();
        Box::pin(async move { audit::page(&context, &tenant, filter, Some(before), PAGE).await })
    }
}

impl Stream for Export {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = self.next.as_mut() else { return Poll::Ready(None) };
        let page = ready!(next.as_mut().poll(waker));
        self.next = None;
        let events = match page {
            Ok(events) => events,
            // The answer breaks off, so that nobody takes a part for the whole.
            Err(problem) => return Poll::Ready(Some(Err(io::Error::other(problem.to_string())))),
        };
        let mut text = String::new();
        if !self.is_begun {
            self.is_begun = true;
            text.push_str(self.format.head());
        }
        text.extend(events.iter().map(|event| self.format.line(event)));
        let is_full = i64::try_from(events.len()).is_ok_and(|length| length == PAGE);
        if let Some(last) = events.last().filter(|_| is_full) {
            self.next = Some(self.read_before(last.id));
        }
        Poll::Ready(Some(Ok(Bytes::from(text))))
    }
}

fn json_line(event: &AuditEvent) -> String {
    let details = event.details.as_deref();
    let details = details.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let line = json!({
        "id": event.id,
        "at": event.at.rfc3339(),
        "action": event.action.as_str(),
        "actor": event.actor,
        "target": event.target,
        "address": event.address,
        "details": details,
    });
    format!("{line}\n")
}

fn csv_line(event: &AuditEvent) -> String {
    let (id, at) = (event.id.to_string(), event.at.rfc3339());
    let optional = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    let (address, details) = (optional(&event.address), optional(&event.details));
    let fields = [&id, &at, event.action.as_str(), &event.actor, &event.target, &address, &details];
    let line = fields.map(csv_field).join(",");
    format!("{line}\r\n")
}

/// In quotes, and never a formula to whatever opens the file (OWASP, "CSV Injection").
fn csv_field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
