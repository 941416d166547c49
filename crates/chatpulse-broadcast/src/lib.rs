//! Broadcast the value of a session to every socket that shows it.
//!
//! One task, the [`hub::Hub`], owns a map of the sessions shown on this instance. Signals tell it when to read the
//! store, which is the source of truth. The newest frame of each session is in a `watch` channel that all its sockets
//! share: a slow socket skips frames, and no queue grows. Callers use a [`handle::HubHandle`].

pub mod frame;
pub mod handle;
pub mod hub;
pub mod metrics;
mod shown;
