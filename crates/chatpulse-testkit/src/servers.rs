//! Real servers for tests: a server named in the environment, else a temporary one from installed programs, else one in
//! Docker. Without any of them the test fails and says what to install; no test is skipped.

#![expect(clippy::print_stdout, reason = "a test prints which server it uses")]

mod docker;
pub mod postgres;
mod process;
pub mod redis;
