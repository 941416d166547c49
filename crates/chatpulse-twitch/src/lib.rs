//! Twitch, as ChatPulse needs it: log in, read chats.
//!
//! [`login`] is OAuth. [`feed`] keeps the wanted chats subscribed through a conduit, whose shards are either our one
//! webhook ([`eventsub::gate`]) or each instance's EventSub socket ([`eventsub::socket`]); both deliver through
//! [`eventsub::router`]. [`helix`] makes the calls, [`app_token`] has the token for them, [`tokens`] seals what users gave
//! us. Start with [`feed`].
//!
//! Facts about Twitch are stated where they are used, with their source. Everything inbound is decoded tolerantly:
//! unknown fields and values are normal, since Twitch adds them without notice.

pub mod app_token;
mod backoff;
pub mod config;
pub mod error;
pub mod eventsub;
pub mod feed;
pub mod helix;
mod http_client;
pub mod login;
pub mod metrics;
pub mod proxy;
pub mod tokens;
pub mod twitch_clock;
