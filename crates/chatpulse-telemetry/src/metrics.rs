//! Every metric family: the one place that knows them all.

mod families;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use families::{FAMILIES, FLEET_FAMILIES, Family, Kind, LabelValues, Labels};
use metrics::Unit;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// From a tenth of a millisecond, where a vote in memory lies, to the longest deadline there is.
const SECONDS_BUCKETS: [f64; 15] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How long an overlay stays connected: seconds to days.
const CONNECTION_BUCKETS: [f64; 8] = [1.0, 10.0, 60.0, 600.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];

/// Histogram samples are folded in this often.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

type Refresh = Box<dyn Fn() + Send + Sync>;

/// The recorder, and what is looked up right before a scrape.
#[derive(Clone)]
pub struct Metrics {
    recorder: PrometheusHandle,
    refreshes: Arc<Mutex<Vec<Refresh>>>,
}

impl Metrics {
    /// Installs the recorder for the whole process and starts every family at zero; those of Redis only where its
    /// operations are named.
    pub fn install(values: &LabelValues) -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(
                Matcher::Full("websocket_connection_duration_seconds".into()),
                &CONNECTION_BUCKETS,
            )?
            .set_buckets(&SECONDS_BUCKETS)?
            .install_recorder()?;
        let fleet = if values.operations.is_empty() { &[] } else { FLEET_FAMILIES };
        for family in FAMILIES.iter().chain(fleet) {
            family.begin(values);
        }
        Ok(Self { recorder, refreshes: Arc::default() })
    }

    /// Runs before every scrape; for what is cheaper to look up than to keep.
    pub fn before_scrape(&self, refresh: impl Fn() + Send + Sync + 'static) {
        self.refreshes.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(refresh));
    }

    /// Prometheus' text format.
    pub fn render(&self) -> String {
        for refresh in self.refreshes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            refresh();
        }
        self.recorder.render()
    }

    /// Keeps histograms small until `stop`.
    pub async fn upkeep(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(UPKEEP_EVERY)).await.is_some() {
            self.recorder.run_upkeep();
        }
    }
}

impl Family {
    /// Describes the family and brings each of its series to life.
    fn begin(&self, values: &LabelValues) {
        let unit = if self.name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count };
        match self.kind {
            Kind::Counter => metrics::describe_counter!(self.name, unit, self.help),
            Kind::Gauge => metrics::describe_gauge!(self.name, unit, self.help),
            Kind::Histogram => metrics::describe_histogram!(self.name, unit, self.help),
        }
        for labels in self.labels.all(values) {
            match self.kind {
                Kind::Counter => metrics::counter!(self.name, &labels).absolute(0),
                Kind::Gauge => metrics::gauge!(self.name, &labels).set(0.0),
                // Registered without a sample: count and sum are zero.
                Kind::Histogram => drop(metrics::histogram!(self.name, &labels)),
            }
        }
    }
}
