//! The metrics recorder: start every declared family at zero and render Prometheus' text format.
//!
//! The crates that record metrics declare their families as [`Family`] lists; the server collects those.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chatpulse_domain::metrics::{Family, Kind, SECONDS};
use metrics::Unit;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// How often histogram samples are moved into their buckets.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

type Refresh = Box<dyn Fn() + Send + Sync>;

/// The recorder, and the metrics that are computed right before a scrape.
#[derive(Clone)]
pub struct Metrics {
    recorder: PrometheusHandle,
    refreshes: Arc<Mutex<Vec<Refresh>>>,
}

impl Metrics {
    /// Installs the recorder for the whole process and starts every series of `families` at zero.
    pub fn install(families: &[Family]) -> Result<Self, BuildError> {
        let mut builder = PrometheusBuilder::new().set_buckets(SECONDS)?;
        for family in families {
            if let Kind::Histogram(buckets) = family.kind {
                builder = builder.set_buckets_for_metric(Matcher::Full(family.name.to_owned()), buckets)?;
            }
        }
        let recorder = builder.install_recorder()?;
        families.iter().for_each(begin);
        Ok(Self { recorder, refreshes: Arc::default() })
    }

    /// Runs `refresh` before every scrape, for metrics that are cheaper to compute then than to keep current.
    pub fn before_scrape(&self, refresh: impl Fn() + Send + Sync + 'static) {
        self.refreshes.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(refresh));
    }

    /// Renders Prometheus' text format.
    pub fn render(&self) -> String {
        for refresh in self.refreshes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            refresh();
        }
        self.recorder.render()
    }

    /// Moves histogram samples into buckets regularly until `stop`, so that they do not pile up in memory.
    pub async fn upkeep(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(UPKEEP_EVERY)).await.is_some() {
            self.recorder.run_upkeep();
        }
    }
}

/// Describes the family and starts each of its series.
fn begin(family: &Family) {
    let unit = if family.name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count };
    match family.kind {
        Kind::Counter => metrics::describe_counter!(family.name, unit, family.help),
        Kind::Gauge => metrics::describe_gauge!(family.name, unit, family.help),
        Kind::Histogram(_) => metrics::describe_histogram!(family.name, unit, family.help),
    }
    for labels in family.labels.series() {
        match family.kind {
            Kind::Counter => metrics::counter!(family.name, &labels).absolute(0),
            Kind::Gauge => metrics::gauge!(family.name, &labels).set(0.0),
            // Register without a sample: count and sum are zero.
            Kind::Histogram(_) => drop(metrics::histogram!(family.name, &labels)),
        }
    }
}
