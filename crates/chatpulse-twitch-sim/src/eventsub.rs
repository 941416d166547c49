//! EventSub: delivers events to the application over webhooks and WebSocket.
//!
//! Read [`delivery`] first: it takes an event, finds the subscriptions, and hands parcels to a [`socket`] or a
//! [`webhook`]. The other files hold the data for these decisions.

pub(crate) mod conduit;
pub(crate) mod delivery;
pub(crate) mod message;
pub(crate) mod session;
pub(crate) mod shard_loss;
pub(crate) mod socket;
pub(crate) mod subscription;
pub(crate) mod verification;
pub(crate) mod webhook;
