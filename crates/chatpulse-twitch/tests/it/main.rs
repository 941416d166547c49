//! The crate against the simulated Twitch, over real sockets. What takes minutes, or a failure at the right moment, is
//! tested beside the code, in paused time and against mocks.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod chats;
mod conduits;
mod login;
mod sockets;
mod webhooks;
mod world;
