//! What is counted of requests, and the page that Prometheus reads. Labels are bounded: a route is its
//! pattern, and a tenant is named only where the deployment wants it.

use std::fmt;
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::Arc;

use super::state::State;
use crate::config::TenantLabel;
use crate::flows::TenantSnapshot;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u32,
    /// Empty, which Prometheus takes for absent, unless the deployment wants it.
    tenant: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

pub struct HttpMetrics {
    tenant_label: TenantLabel,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
}

impl HttpMetrics {
    pub fn new(tenant_label: TenantLabel) -> Self {
        Self {
            tenant_label,
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
            }),
        }
    }

    pub fn observe(
        &self,
        request: &actix_web::HttpRequest,
        method: &Method,
        status: u16,
        elapsed: Duration,
    ) {
        let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        let tenant = match self.tenant_label {
            TenantLabel::Off => None,
            TenantLabel::On => {
                let extensions = request.extensions();
                let tenant = extensions.get::<Arc<TenantSnapshot>>();
                tenant.map(|tenant| tenant.tenant.slug.as_str().to_owned())
            }
        };
        let labels = RouteLabels { route };
        self.seconds.get_or_create(&labels).observe(elapsed.as_secs_f64());
        let labels = RequestLabels {
            method: bounded(method),
            route: labels.route,
            status: u32::from(status),
            tenant: tenant.unwrap_or_default(),
        };
        self.requests.get_or_create(&labels).inc();
    }

    fn register(&self, registry: &mut Registry) {
        let name = "doorward_http_requests";
        registry.register(name, "Requests answered", self.requests.clone());
        let name = "doorward_http_request_duration_seconds";
        registry.register(name, "Time to answer a request", self.seconds.clone());
    }
}

/// Anybody can send any word as a method.
fn bounded(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Everything that is counted, in the OpenMetrics text format.
pub fn render(state: &State) -> Result<String, fmt::Error> {
    let context = &state.context;
    let mut registry = Registry::default();
    state.metrics.register(&mut registry);
    context.metrics.register(&mut registry);
    context.tenants.register(&mut registry);
    context.hasher.register(&mut registry);
    let mut gauge = |name: &str, help: &str, value: usize| {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    gauge(
        "doorward_password_queue_length",
        "Passwords that wait for a thread",
        context.hasher.queue_length(),
    );
    let (readers, writers) = context.db.load();
    for (kind, load) in [("read", readers), ("write", writers)] {
        gauge(
            &format!("doorward_storage_{kind}_queue_length"),
            "Transactions that wait for a connection",
            load.waiting,
        );
        gauge(
            &format!("doorward_storage_{kind}_connections_busy"),
            "Connections in use",
            load.busy,
        );
        gauge(&format!("doorward_storage_{kind}_connections"), "Connections at most", load.threads);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
