//! EventSub: Twitch's messages, by webhook or by socket.

pub mod event;
mod fragments;
pub mod gate;
mod repeats;
pub mod router;
pub mod signature;
pub mod socket;
