//! Real servers for tests: given by the environment, else throw-away ones of the machine's own binaries, else in Docker.
//! Where there is none of it, the test fails and says what to install; nothing is ever skipped.

#![expect(clippy::print_stdout, reason = "a test says which server it took")]

mod docker;
pub mod postgres;
mod process;
pub mod redis;
