//! Tests of this crate that need no server: what its dependencies do and do not do for it.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod actix;
