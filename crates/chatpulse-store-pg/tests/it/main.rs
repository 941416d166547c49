//! The Fleet's accounts from outside: contracts, a schema that several migrate at once, and a server that is late,
//! closed to us, busy, restarted or gone.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accounts;
mod certificates;
mod metrics;
mod migrations;
mod opening;
mod outages;
mod relay;
mod schema;
mod support;
mod tls;
mod upkeep;
