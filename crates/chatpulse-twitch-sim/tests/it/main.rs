//! The simulated Twitch as a client sees it: over real sockets, with a plain HTTP client.
//!
//! [`client`] is that client; every other file is one part of Twitch.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod api;
mod client;
mod crowd;
mod login;
mod socket;
mod troubles;
mod webhook;
