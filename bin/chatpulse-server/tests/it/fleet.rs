//! Fleet behavior when components fail. Each file stops, kills, pauses or empties a component, or measures the cost of
//! their communication.

#![expect(clippy::print_stdout, reason = "a test says what it measured")]

mod acl;
mod app_token;
mod chats;
mod counting;
mod database_outage;
mod emptied_redis;
mod fan_out;
mod first_run;
mod hung_redis;
mod idle_cost;
mod killed_instance;
mod lost_signals;
mod many_crashes;
mod paused_leader;
mod pooler;
mod read_only_redis;
mod redis_outage;
mod secrets;
mod sockets;
mod unsaved_settings;
