//! Where the process says what it does: the log on standard error, and traces by OTLP where they are wanted.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::CommandError;
use crate::config::{LogFormat, LogSettings};

/// To be finished before the process ends: the last spans are sent then.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Whether the log can be kept as it is wanted.
pub fn check(settings: &LogSettings) -> Result<EnvFilter, String> {
    EnvFilter::try_new(&settings.filter).map_err(|error| format!("DOORWARD_LOG: {error}"))
}

impl Telemetry {
    pub fn start(settings: &LogSettings) -> Result<Self, CommandError> {
        let filter = check(settings).map_err(CommandError)?;
        let lines =
            fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
        let lines = match settings.format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        let traces = settings.otlp_endpoint.as_deref().map(provider).transpose()?;
        match &traces {
            // The filter of the log is not that of the traces.
            Some(provider) => {
                let spans = tracing_opentelemetry::layer()
                    .with_tracer(provider.tracer("doorward"))
                    .with_location(false)
                    .with_threads(false)
                    .with_filter(LevelFilter::INFO);
                tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).init();
            }
            None => tracing_subscriber::registry().with(lines).with(filter).init(),
        }
        Ok(Self { traces })
    }

    pub fn finish(self) {
        if let Some(Err(error)) = self.traces.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// OTLP over HTTP, in batches from a thread of its own: no request waits for the collector.
fn provider(endpoint: &str) -> Result<SdkTracerProvider, CommandError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|error| CommandError(format!("DOORWARD_OTLP_ENDPOINT: {error}")))?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("doorward").build())
        .build())
}
