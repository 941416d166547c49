//! Fleet storage: accounts, settings, logins and subscriptions in PostgreSQL.
//!
//! - [`PgPool`] connects, migrates, and runs every query; read `pool.rs` for the one way to the database.
//!   [`PgStreamers`], [`PgSettings`], [`PgSubscriptions`] and [`PgLoginSessions`] are its ports, cheap to clone.
//! - [`PgConfig`] is what the pool needs to know; [`parse_url`] reads `DATABASE_URL`.
//! - SQL lies in `queries/<table>/<verb>.sql`, one query a file, and the schema in `migrations/postgres`.

mod app_token;
mod config;
mod error;
mod instant;
mod login_sessions;
pub mod metrics;
mod operation;
mod pool;
mod query;
mod schema;
mod settings;
mod streamers;
mod subscriptions;
mod tokens;

pub use app_token::PgAppToken;
pub use config::{InvalidUrl, PgConfig, Tls, TlsMode, parse_url};
pub use error::OpenError;
pub use login_sessions::PgLoginSessions;
pub use operation::QUERIES;
pub use pool::{PgPool, PoolToCheck};
pub use settings::PgSettings;
pub use streamers::PgStreamers;
pub use subscriptions::PgSubscriptions;
pub use tokens::PgTokens;
/// A host of a parsed address.
pub use tokio_postgres::config::Host as PgHost;
