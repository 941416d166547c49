//! A Fleet's live state in Redis: votes, sessions, signals, leadership.
//!
//! The rules of a vote are in `lua/votes.lua`; `votes.rs` only translates. Every request passes `connection.rs`, the
//! one place with deadlines, breaker and metrics.
//!
//! To put it together, connect with [`Redis::connect`], make one [`FencingTokens`], and build [`RedisLive`] (votes and
//! sessions), [`RedisSignals`], [`RedisLeadership`], [`RedisShards`] and [`RedisInstances`]. Run those that have a
//! `run`.

mod attachments;
mod breaker;
mod call;
mod config;
mod connection;
mod error;
mod fencing;
mod functions;
mod instances;
mod key_types;
mod keys;
mod leadership;
mod library;
mod live;
pub mod metrics;
mod operation;
mod probe;
mod sessions;
mod settings_json;
mod shards;
mod signals;
mod store_clock;
mod votes;

pub use config::RedisConfig;
pub use connection::Redis;
pub use error::ConnectError;
pub use fencing::FencingTokens;
pub use instances::{Heartbeat, RedisInstances};
pub use key_types::WrongType;
pub use leadership::RedisLeadership;
pub use library::Library;
pub use live::RedisLive;
pub use operation::{OPERATIONS, STATUSES};
pub use probe::{FunctionsCheck, Probe};
pub use shards::RedisShards;
pub use signals::{CHANNELS, RedisSignals, SignalWorker};
