//! One log line and one count a request. The line says id, tenant, route, status, time. Never a query, a body, a cookie or a token.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use opentelemetry::trace::Status;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::state::State;
use crate::domain::entropy::{Entropy, random_letters};

/// What ties an error page, an answer's `X-Request-Id` and the log together.
#[derive(Clone)]
pub struct RequestId(String);

impl RequestId {
    pub fn of(request: &HttpRequest) -> String {
        request.extensions().get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// Makes the ids of this process's requests: told apart from other processes' by chance, from each other by
/// counting.
pub struct RequestIds {
    prefix: String,
    count: AtomicU64,
}

impl RequestIds {
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self { prefix: random_letters(entropy, 8), count: AtomicU64::new(0) }
    }

    fn next(&self) -> RequestId {
        RequestId(format!("{}{:06x}", self.prefix, self.count.fetch_add(1, Ordering::Relaxed)))
    }
}

pub async fn log(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = request.app_data::<web::Data<RequestIds>>().map(|ids| ids.next());
    let id = id.unwrap_or_else(|| RequestId(String::new()));
    let started = Instant::now();
    // The tenant is known once the request has been routed.
    let span = tracing::info_span!(
        "request",
        id = id.0,
        tenant = Empty,
        method = %request.method(),
        route = request.match_pattern().unwrap_or_else(|| "unknown".to_owned()),
    );
    let header = HeaderValue::from_str(&id.0);
    let method = request.method().clone();
    let state = request.app_data::<web::Data<State>>().cloned();
    request.extensions_mut().insert(id);
    let mut response = next.call(request).instrument(span.clone()).await?;
    if let Ok(value) = header {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    if let Some(state) = state {
        state.metrics.observe(response.request(), &method, status, elapsed);
    }
    span.in_scope(|| {
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(status, micros, "answered");
    });
    describe(&span, &method, &response, status);
    Ok(response)
}

/// What a trace says beside the log, in the words of OpenTelemetry; without a collector, nothing.
fn describe<B>(span: &Span, method: &Method, response: &ServiceResponse<B>, status: u16) {
    span.set_attribute("http.request.method", method.to_string());
    span.set_attribute("http.response.status_code", i64::from(status));
    if let Some(route) = response.request().match_pattern() {
        span.set_attribute("http.route", route);
    }
    if status >= 500 {
        span.set_status(Status::error("the server could not answer"));
    }
}
