//! The metric families that SQLite feeds.

use chatpulse_domain::metrics::{Family, database_families};

use crate::operation::QUERIES;

/// All of them.
pub const FAMILIES: &[Family] = &database_families(QUERIES);
