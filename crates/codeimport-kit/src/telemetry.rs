//! What a process tells about itself: log lines on standard error, metrics for Prometheus.
//!
//! The only module that sets something for the whole process. Only a `main` calls it, once.

use crate::tasks;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use std::{
    env,
    io::{self, IsTerminal as _},
    net::SocketAddr,
    panic,
};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// From a call that touches nothing to one that waits for its 30 s long poll.
const SECONDS_BUCKETS: [f64; 11] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0];

/// Telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Called twice in one process.
    #[error("a log subscriber is installed already")]
    AlreadyInstalled(#[from] tracing_subscriber::util::TryInitError),
    /// The metrics exporter could not be set up.
    #[error("metrics cannot be served on {address}: {reason}")]
    Metrics {
        /// Where they should have been served.
        address: SocketAddr,
        /// Why not.
        reason: String,
    },
}

/// Begins to write log lines to standard error.
///
/// What is written: `CODEIMPORT_LOG`, else `RUST_LOG`, else `info`. How: JSON if `CODEIMPORT_LOG_FORMAT` is `json`,
/// else text. A panic anywhere becomes a log line.
///
/// # Errors
///
/// [`TelemetryError::AlreadyInstalled`].
pub fn init() -> Result<(), TelemetryError> {
    // PostgreSQL's notices come at level info and tell nothing ("already exists, skipping").
    init_with("info,tokio_postgres=warn")
}

/// The same for a command at a terminal, where only trouble is worth a line: `warn` unless the environment says
/// otherwise.
///
/// # Errors
///
/// [`TelemetryError::AlreadyInstalled`].
pub fn init_quiet() -> Result<(), TelemetryError> {
    init_with("warn")
}

fn init_with(default: &str) -> Result<(), TelemetryError> {
    let registry = tracing_subscriber::registry().with(filter(default));
    // Colours are for eyes: in a file or a collector they are noise.
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    if env::var("CODEIMPORT_LOG_FORMAT").is_ok_and(|format| format == "json") {
        registry.with(lines.json().flatten_event(true)).try_init()?;
    } else {
        registry.with(lines.with_target(false)).try_init()?;
    }
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Serves metrics at `http://<address>/metrics`. Call inside a runtime.
///
/// # Errors
///
/// [`TelemetryError::Metrics`].
pub fn serve_metrics(address: SocketAddr) -> Result<(), TelemetryError> {
    let failed = |reason: String| TelemetryError::Metrics { address, reason };
    let (recorder, exporter) = PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
        .and_then(PrometheusBuilder::build)
        .map_err(|error| failed(error.to_string()))?;
    metrics::set_global_recorder(recorder).map_err(|error| failed(error.to_string()))?;
    tasks::spawn("kit.metrics_exporter", async move {
        if let Err(error) = exporter.await {
            tracing::error!(error.cause = ?error, "metrics are no longer served");
        }
    });
    tracing::info!(listen.address = %address, "metrics are served");
    Ok(())
}

fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_env("CODEIMPORT_LOG")
        .or_else(|_| EnvFilter::try_from_default_env())
        .unwrap_or_else(|_| EnvFilter::new(default))
}

fn log_panic(info: &panic::PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let message = info.payload_as_str().unwrap_or("(no text)");
    tracing::error!(panic.location = location, panic.message = message, "a part of the process panicked");
}
