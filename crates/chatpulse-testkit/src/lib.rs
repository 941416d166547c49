//! What the tests of every crate share. No product code depends on it.
//!
//! - [`contract`]: for each store port, what every adapter promises, one function per promise. The fakes here and
//!   the adapters in their crates run the same ones, so "works in memory" means "works in the database".
//! - [`fakes`]: small, slow, obviously right implementations of the ports, to test what stands on them.
//! - [`builders`]: values with everything filled in that a test is not about.
//! - [`clock`]: time in the test's hands.
//! - [`servers`]: real servers, found or started.

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a panic is how a test fails")]

pub mod builders;
pub mod clock;
pub mod contract;
pub mod fakes;
pub mod servers;
