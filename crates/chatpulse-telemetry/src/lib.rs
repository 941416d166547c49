//! Logs and metrics.
//!
//! [`metrics::FAMILIES`] is the list of everything that is counted: name, kind, help and label values. A family
//! that is not in it does not exist, and each in it starts at zero. [`metered`] counts round ports, so that the
//! engine and the stores need not.

pub mod logging;
pub mod metered;
pub mod metrics;
