//! Tests of the Solo adapters: contracts, and files on a real disk.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accounts;
mod deletion;
mod live;
mod metrics;
mod opening;
mod share;
mod signals;
mod support;
