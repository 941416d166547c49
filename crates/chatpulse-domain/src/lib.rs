//! The vocabulary of ChatPulse.
//!
//! A **streamer** logs in with Twitch and owns one **overlay**: a page with a secret address that OBS shows.
//! A **chatter** types a line of chat, a [`message::ChatMessage`]. If the line equals one of the streamer's
//! **triggers** it is a **vote** on one [`vote::Side`]. An overlay that somebody watches has a **session**,
//! and the session holds a **sentiment**: one number in [−100, 100] that votes push and that drifts back to 0, or a
//! **tally**: how many voted each way in a window.
//! An **instance** is one running server; it holds the sessions whose overlays hang on it.
//!
//! Start with [`trigger`], [`sentiment`] and [`vote`]: they are the rules of the product. Then read [`ports`],
//! which lists what the rest of the workspace promises. Nothing here does I/O, reads a clock or knows a wire
//! format: time comes in as an argument, and what travels has its twin at the edge that owns the format.

pub mod command;
pub mod ids;
pub mod login;
pub mod look;
pub mod message;
pub mod overlay;
pub mod ports;
pub mod secret;
pub mod sentiment;
pub mod session;
pub mod streamer;
pub mod subscription;
pub mod tally;
pub mod throttle;
pub mod time;
pub mod trigger;
pub mod vote;
