//! Tests against a real PostgreSQL: contracts, concurrent migrations, and a server that starts late, refuses, is busy,
//! restarts or is down.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accounts;
mod certificates;
mod maintenance;
mod metrics;
mod migrations;
mod opening;
mod outages;
mod pooler;
mod relay;
mod schema;
mod support;
mod tls;
mod trial;
