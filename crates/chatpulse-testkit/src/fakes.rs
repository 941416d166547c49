//! Small implementations of the ports, for tests of what stands on them. Slow and obviously right: linear searches,
//! one lock, nothing ever expires. They keep the same contracts as the real adapters, and can be made to fail.

mod accounts;
mod chat;
mod cipher;
mod leader;
mod live;
mod outage;
mod signals;
mod twitch;

pub use accounts::{
    FakeAccounts, FakeAppToken, FakeLoginSessions, FakeSettings, FakeStreamers, FakeSubscriptions, FakeTokens,
};
pub use chat::FakeSink;
pub use cipher::FakeCipher;
pub use leader::FixedLeader;
pub use live::FakeLive;
pub use outage::Outage;
pub use signals::FakeSignals;
pub use twitch::{FakeFeed, FakeLogin};
