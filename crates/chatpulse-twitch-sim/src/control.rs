//! Test controls: change and inspect the simulated Twitch.
//!
//! All are methods of [`crate::Sim`]: [`people`] and their grants, [`sockets`], [`events`] and subscriptions, HTTP
//! faults in [`troubles`], and [`waiting`] for conditions.

pub(crate) mod events;
pub(crate) mod people;
pub(crate) mod sockets;
pub(crate) mod troubles;
pub(crate) mod waiting;
