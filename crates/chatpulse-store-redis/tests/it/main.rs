//! Redis and Redis Cluster from outside: contracts, agreement with process memory, versions, outages.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod functions;
mod instances;
mod leadership;
mod live;
mod malformed;
mod metrics;
mod outage;
mod schema;
mod shards;
mod share;
mod signals;
mod support;
mod tls;
