//! `chatpulse serve`: runs the server.

use std::process::ExitCode;

use anyhow::Context as _;
use chatpulse_telemetry::logging;
use chatpulse_telemetry::metrics::Metrics;
use tracing::{info, warn};

use crate::fatal;
use crate::lifecycle::Lifecycle;
use crate::settings::{Settings, ShutdownSettings};
use crate::wiring::metrics::families;
use crate::wiring::{Parts, addresses};

/// Runs the server until it receives a signal.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let settings = Settings::load()?;
    let format = settings.log.format;
    logging::start(&settings.log.filter, format);
    for warning in &settings.warnings {
        warn!("{warning}");
    }
    let ended = runtime().and_then(|runtime| runtime.block_on(serve(settings)));
    Ok(ended.unwrap_or_else(|error| {
        fatal::report(&error, format);
        ExitCode::FAILURE
    }))
}

async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let ShutdownSettings { drain, grace } = settings.shutdown;
    let redirect_uri = settings.twitch.redirect_uri.clone();
    let metrics = Metrics::install(&families(&settings.stores)).context("could not set up metrics")?;
    let lifecycle = Lifecycle::new();
    lifecycle.stop_on_signals(drain).context("could not listen for signals")?;
    let parts = Parts::build(settings, metrics).await?;
    if let Some(operators) = parts.operators_address()? {
        info!("metrics, version and health are on http://{operators}");
    }
    let addresses = addresses(&redirect_uri, parts.address()?);
    info!("ChatPulse {} listens on {addresses}", env!("CARGO_PKG_VERSION"));
    let clean = parts.run(lifecycle, grace).await?;
    info!("stopped");
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("could not start the runtime")
}
