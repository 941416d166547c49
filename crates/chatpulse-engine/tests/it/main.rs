//! The real engine over fakes: what becomes of a message, who holds a session, what a save reaches.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accounts;
mod cleanup;
mod grants;
mod moderators;
mod pipeline;
mod sessions;
mod settings;
mod world;
