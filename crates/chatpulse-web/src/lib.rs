//! HTTP: pages, API, overlay sockets, webhook.
//!
//! [`routes`] lists every route. [`guard`] wraps all of them: request id, limits, headers, errors. A page is a
//! folder: handler, form, view. [`open_port`] opens a port, [`Server::run`] serves.

mod api;
mod assets;
mod audit;
mod browser_name;
mod config;
mod dashboard;
mod error;
mod guard;
mod health;
mod layout;
mod login;
pub mod metrics;
mod operators;
mod overlay;
mod routes;
mod server;
mod session;
mod state;
mod webhook;

pub use config::{BuildInfo, HttpConfig, OverlayLimits, RatePerMinute, SessionKey};
pub use server::{Server, Shutdown, open_port};
pub use state::WebPorts;
