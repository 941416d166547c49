//! From a session's value to every socket that shows it.
//!
//! One task, the [`hub::Hub`], owns a map of the sessions shown on this instance. Signals tell it when to look,
//! the store tells it what is true, and each session's newest frame lies in a `watch` channel that all its
//! sockets share: a slow socket skips frames, and nothing grows. Callers hold a [`handle::HubHandle`].

pub mod frame;
pub mod handle;
pub mod hub;
pub mod metrics;
mod shown;
