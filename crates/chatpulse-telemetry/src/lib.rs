//! Logs and metrics.
//!
//! Crates declare their metrics as families: name, kind, help and label values. Declare every metric, because
//! [`metrics::Metrics::install`] starts only declared families at zero. [`metered`] wraps ports to count calls, so that
//! the engine and the stores need not.

pub mod logging;
pub mod metered;
pub mod metrics;
