//! Fleet's live state in Redis: votes, sessions, signals, leadership.
//!
//! The rules of a vote are in `lua/chatpulse.lua`; [`votes`] beside it only translates. Everything that is sent
//! passes [`connection::Redis`], the one place with deadlines, breaker and metrics.
//!
//! What a wiring puts together: [`Redis::connect`], one [`Standing`], [`RedisLive`] (votes and sessions),
//! [`RedisSignals`], [`RedisLeadership`], [`RedisShards`] and [`RedisInstances`], and runs what has a `run`.

mod breaker;
pub mod connection;
mod error;
pub mod functions;
mod held;
pub mod instances;
mod keys;
pub mod leadership;
mod live;
mod operation;
pub mod probe;
mod sessions;
mod settings_json;
pub mod shards;
pub mod signals;
mod votes;

pub use connection::{Redis, RedisConfig};
pub use error::ConnectError;
pub use instances::RedisInstances;
pub use leadership::RedisLeadership;
pub use live::{RedisLive, Standing};
pub use operation::{OPERATIONS, STATUSES};
pub use probe::{FunctionsCheck, Probe};
pub use shards::RedisShards;
pub use signals::{CHANNELS, RedisSignals, SignalWorker};
