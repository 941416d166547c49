//! What a test can do to the simulated Twitch, and what it can look at.
//!
//! Everything here is a method of [`crate::Sim`]: [`people`] and their grants, [`sockets`],
//! [`events`] and subscriptions, [`troubles`] over HTTP, and [`waiting`] for any of it.

pub(crate) mod events;
pub(crate) mod people;
pub(crate) mod sockets;
pub(crate) mod troubles;
pub(crate) mod waiting;
