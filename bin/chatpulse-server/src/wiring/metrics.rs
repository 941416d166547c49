//! Metrics of the whole server: collects the families of all crates and counts what the engine reports.

use std::sync::Arc;

use chatpulse_domain::metrics::{Family, Labels};
use chatpulse_engine::Engine;
use chatpulse_engine::housekeeping::{CleanupReport, GrantCheck, Housekeeping};
use chatpulse_engine::sessions::DriftReport;
use chatpulse_telemetry::metered;
use chatpulse_telemetry::metrics::Metrics;
use tracing::info;

use super::listener::BUILD;
use super::stores::fleet::{POSTGRES_FAMILIES, REDIS_FAMILIES};
use crate::settings::StoreSettings;

/// Metric families that this file records.
const FAMILIES: &[Family] = &[
    Family::counter("config_cache_hits_total", Labels::None, "Session look-ups answered from memory."),
    Family::counter("config_cache_misses_total", Labels::None, "Session look-ups that asked the store."),
    Family::gauge("config_cache_entries", Labels::None, "Channels remembered."),
    Family::counter(
        "config_drift_detected_total",
        Labels::None,
        "Live sessions found with older settings than the database.",
    ),
    Family::counter("config_drift_fixed_total", Labels::None, "Of those, brought up to date."),
    Family::counter("orphan_cleanup_scans_total", Labels::None, "Rounds of clean-up on this instance."),
    Family::counter(
        "orphan_sessions_deleted_total",
        Labels::None,
        "Sessions deleted because no instance was attached.",
    ),
    Family::counter(
        "orphan_sessions_skipped_total",
        Labels::One("reason", &["rejoined", "error"]),
        "Orphans left alone, by reason.",
    ),
    Family::histogram("orphan_cleanup_duration_seconds", Labels::None, "Time of a round of clean-up."),
    Family::gauge(
        "disconnected_sessions_count",
        Labels::None,
        "Orphans found by the last round and not deleted.",
    ),
    Family::counter(
        "grant_checks_total",
        Labels::One("result", &["valid", "renewed", "ended", "unreadable", "unanswered"]),
        "Times that the leader asked Twitch about a user's tokens (at start and every hour), by result.",
    ),
    Family::gauge(
        "build_info",
        Labels::Open(&["version", "commit", "rustc"], &[]),
        "Always 1; its labels say what runs.",
    ),
];

/// Metric families of a fleet, recorded by `chatpulse-store-redis`. A server without Redis exports them too, so that one
/// dashboard serves both shapes: its one instance always leads, and its circuit breaker stays closed.
const FLEET_FAMILIES: &[Family] = &[
    Family::gauge(
        "is_leader",
        Labels::One("key", &["cleanup:leader"]),
        "1 while this instance does the housekeeping.",
    ),
    Family::counter(
        "leader_elections_total",
        Labels::One("key", &["cleanup:leader"]),
        "Times that this instance began to lead.",
    ),
    Family::gauge("instance_registry_size", Labels::None, "Living instances, this one included."),
    Family::gauge(
        "circuit_breaker_state",
        Labels::One("component", &["redis"]),
        "0: closed, 1: half open, 2: open. Without Redis it stays closed.",
    ),
    Family::counter(
        "circuit_breaker_state_changes_total",
        Labels::Two(("component", &["redis"]), ("to", &["closed", "half_open", "open"])),
        "Changes of the circuit breaker, by component and new state.",
    ),
];

/// Returns every metric family of a server with these stores. Redis families are omitted when Redis is not used.
pub(crate) fn families(stores: &StoreSettings) -> Vec<Family> {
    let database = if stores.database.is_sqlite() {
        chatpulse_store_embedded::metrics::FAMILIES
    } else {
        POSTGRES_FAMILIES
    };
    let redis = if stores.redis.is_some() { REDIS_FAMILIES } else { &[] };
    [
        metered::FAMILIES,
        chatpulse_broadcast::metrics::FAMILIES,
        chatpulse_web::metrics::FAMILIES,
        database,
        FAMILIES,
        FLEET_FAMILIES,
        chatpulse_twitch::metrics::FAMILIES,
        redis,
    ]
    .concat()
}

/// Counts the results of housekeeping jobs here, because the engine does not depend on metrics.
pub(super) fn count_rounds(jobs: Housekeeping) -> Housekeeping {
    Housekeeping {
        cleanup: jobs.cleanup.on_round(count_cleanup),
        reconciliation: jobs.reconciliation.on_round(|report: &DriftReport| {
            metrics::counter!("config_drift_detected_total").increment(report.detected);
            metrics::counter!("config_drift_fixed_total").increment(report.fixed);
        }),
        grants: jobs.grants.on_check(|found: GrantCheck| {
            metrics::counter!("grant_checks_total", "result" => found.label()).increment(1);
        }),
        ..jobs
    }
}

fn count_cleanup(report: Option<&CleanupReport>) {
    let Some(report) = report else {
        // Only the leader knows this number.
        metrics::gauge!("disconnected_sessions_count").set(0.0);
        return;
    };
    let skipped =
        |reason: &'static str| metrics::counter!("orphan_sessions_skipped_total", "reason" => reason);
    metrics::counter!("orphan_cleanup_scans_total").increment(1);
    metrics::counter!("orphan_sessions_deleted_total").increment(report.deleted as u64);
    skipped("rejoined").increment(report.rejoined as u64);
    skipped("error").increment(report.failed as u64);
    metrics::histogram!("orphan_cleanup_duration_seconds").record(report.took);
    metrics::gauge!("disconnected_sessions_count").set(gauge(report.found - report.deleted));
    if report.deleted > 0 {
        info!(deleted = report.deleted, "deleted sessions without an overlay");
    }
}

/// Registers metrics that are read on each scrape, and sets constant ones.
pub(super) fn note_figures(metrics: &Metrics, engine: &Engine) {
    let cache = Arc::clone(&engine.cache);
    metrics.before_scrape(move || {
        let stats = cache.stats();
        metrics::counter!("config_cache_hits_total").absolute(stats.hits);
        metrics::counter!("config_cache_misses_total").absolute(stats.misses);
        metrics::gauge!("config_cache_entries").set(gauge(stats.entries));
    });
    let labels = [("version", BUILD.version), ("commit", BUILD.commit), ("rustc", BUILD.rustc)];
    metrics::gauge!("build_info", &labels).set(1.0);
}

/// Sets the gauges of a single instance: it is always the leader and the only registered instance.
pub(super) fn note_single_instance() {
    metrics::gauge!("is_leader", "key" => "cleanup:leader").set(1.0);
    metrics::counter!("leader_elections_total", "key" => "cleanup:leader").absolute(1);
    metrics::gauge!("instance_registry_size").set(1.0);
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn gauge(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chatpulse_domain::metrics::Kind;

    use super::*;

    /// Returns every family of both kinds of server, single instance and fleet.
    fn all() -> Vec<Family> {
        [
            metered::FAMILIES,
            chatpulse_broadcast::metrics::FAMILIES,
            chatpulse_web::metrics::FAMILIES,
            POSTGRES_FAMILIES,
            FAMILIES,
            FLEET_FAMILIES,
            chatpulse_twitch::metrics::FAMILIES,
            REDIS_FAMILIES,
        ]
        .concat()
    }

    /// Formats the row of the operators' page: name, kind, labels with their values, help.
    fn row(family: &Family) -> String {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        format!("| `{}` | {kind} | {} | {} |", family.name, labels(&family.labels), family.help)
    }

    fn labels(labels: &Labels) -> String {
        let values = |label: &str, values: &[&str]| match label {
            "query" | "operation" | "channel" => format!("the name of each {label}"),
            _ => values.join(", "),
        };
        let one = |(label, known): (&str, &[&str])| format!("`{label}`: {}", values(label, known));
        match *labels {
            Labels::None => String::new(),
            Labels::One(label, known) => one((label, known)),
            Labels::Two(first, second) => format!("{}; {}", one(first), one(second)),
            Labels::Open(labels, _) => {
                labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ")
            }
        }
    }

    #[test]
    fn the_operators_page_describes_every_family_and_no_other() {
        let page = include_str!("../../../../docs/operations/prometheus-metrics.md");
        let listed: BTreeSet<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let declared: Vec<String> = all().iter().map(row).collect();
        let missing: Vec<&String> = declared.iter().filter(|row| !listed.contains(row.as_str())).collect();
        assert!(missing.is_empty(), "missing rows:\n{missing:#?}");
        assert_eq!(
            listed.len(),
            declared.len(),
            "the page lists what nothing feeds, or a family is declared twice"
        );
    }
}
