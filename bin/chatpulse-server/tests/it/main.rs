//! Tests of the real binary over real sockets, with a simulated Twitch.
//!
//! [`support`] starts servers, browsers and overlays; every other file tests one feature.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::float_cmp, reason = "a bar at rest is at exactly 0, and metrics count in whole numbers")]

mod access;
mod architecture;
mod audit;
mod check_command;
mod conduits;
mod configuration;
mod demo;
mod first_run;
mod fleet;
mod grants;
mod http;
mod leaving;
mod login;
mod login_tabs;
mod logins;
mod matching;
mod moderators;
mod on_stream;
mod open_files;
mod operators;
mod outgoing;
mod overlay;
mod overlay_limits;
mod proxies;
mod reference;
mod rules;
mod samples;
mod security;
mod settings;
mod share;
mod site;
mod stopping;
mod support;
mod three_instances;
mod tidiness;
mod twitch;
mod vote_reaches_overlay;
mod webhook;
