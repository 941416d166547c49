//! Tests against a real Redis and Redis Cluster: contracts, agreement with process memory, library versions, outages.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod acl;
mod functions;
mod instances;
mod late;
mod leadership;
mod live;
mod malformed;
mod metrics;
mod outage;
mod schema;
mod shards;
mod signals;
mod support;
mod tls;
