//! EventSub: Twitch's messages, by webhook or by socket.

pub mod event;
pub mod gate;
mod repeats;
pub mod router;
pub mod signature;
pub mod socket;
