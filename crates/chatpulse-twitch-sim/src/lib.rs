//! A simulated Twitch over real sockets, with simulated chatters.
//!
//! One [`Sim`] replaces all of Twitch that ChatPulse uses: the consent page and tokens of
//! `id.twitch.tv`, the API of `api.twitch.tv/helix`, and EventSub over WebSocket and webhooks.
//! `chatpulse demo` runs against it, and so do the tests.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use chatpulse_twitch_sim::{ChatLine, Chatter, Sim, SimConfig};
//!
//! let sim = Sim::start(SimConfig::default()).await?;
//! // … point the product at sim.auth_url(), sim.api_url() and sim.eventsub_ws_url() …
//! sim.say(ChatLine::new("1971641", Chatter::named("Ada"), "yes")).await;
//! sim.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Start reading at [`Sim`]. [`Sim::start_crowd`] starts a simulated crowd in a channel; the other methods
//! inject the faults that a test needs. The simulation follows Twitch's documentation with three
//! simplifications: webhooks may use plain HTTP on this machine, disabled subscriptions and idle
//! conduits never expire, and there is one application and one browser.

mod accounts;
mod chat;
mod config;
mod control;
mod crowd;
mod eventsub;
mod faults;
mod front_door;
mod helix;
mod ids;
mod oauth;
mod shared;
mod sim;
mod tokens;
mod world;

pub use chat::line::{Badge, ChatLine, Chatter, Delivered, Parent};
pub use config::{Limits, SimConfig, SimUser};
pub use control::Grant;
pub use crowd::script::Script;
pub use crowd::script::{Side, Turn};
pub use crowd::{Crowd, CrowdConfig};
pub use eventsub::conduit::{Conduit, Shard};
pub use eventsub::subscription::{Status, Subscription, Transport};
pub use eventsub::webhook::signature;
pub use faults::{Endpoint, Fault, WebhookFailure};
pub use sim::Sim;
