//! Ports that a test can steer and make fail.
//!
//! [`FakeLive`], [`FakeAccounts`] and [`FakeSignals`] are the embedded stores behind a switch, so that no rule of a store is
//! written again here. The others stand in for Twitch and for the engine.

mod accounts;
mod chat;
mod cipher;
mod leader;
mod live;
mod outage;
mod signals;
mod twitch;

pub use accounts::{FakeAccounts, WithOutage};
pub use chat::FakeSink;
pub use cipher::FakeCipher;
pub use leader::FixedLeader;
pub use live::FakeLive;
pub use outage::Outage;
pub use signals::FakeSignals;
pub use twitch::{FakeFeed, FakeLogin};
