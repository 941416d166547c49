//! What the tests of every crate share. No product code depends on it.
//!
//! - [`contract`]: for each store port, what every adapter promises, one function per promise. Every adapter runs the same
//!   ones, so a test that passes with the embedded stores holds for the databases too.
//! - [`fakes`]: ports that a test can steer and make fail.
//! - [`builders`]: values with defaults for every field that a test is not about.
//! - [`clock`]: a clock that the test moves.
//! - [`servers`]: real servers, found or started.

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a panic is how a test fails")]

pub mod builders;
pub mod clock;
pub mod contract;
pub mod fakes;
pub mod servers;
