//! A Fleet's durable storage in PostgreSQL: accounts, settings, logins and subscriptions.
//!
//! - [`PgPool`] connects, migrates and runs every query; start in `pool.rs`. [`PgStreamers`], [`PgSettings`],
//!   [`PgSubscriptions`], [`PgLoginSessions`], [`PgLoginClaims`], [`PgTokens`] and [`PgAppToken`] are the ports on it,
//!   cheap to clone.
//! - [`PgConfig`] configures the pool; [`parse_url`] parses `DATABASE_URL`.
//! - `queries/<table>/<verb>.sql` has one query a file, and `migrations/postgres` the schema.

mod app_token;
mod config;
mod error;
mod login_claims;
mod login_sessions;
pub mod metrics;
mod open_error;
mod operation;
mod pool;
mod query;
mod schema;
mod settings;
mod streamers;
mod subscriptions;
mod target;
mod tokens;
mod url;

pub use app_token::PgAppToken;
pub use config::{PgConfig, Tls};
pub use login_claims::PgLoginClaims;
pub use login_sessions::PgLoginSessions;
pub use open_error::OpenError;
pub use operation::QUERIES;
pub use pool::{PgPool, PoolToCheck, WriteError};
pub use settings::PgSettings;
pub use streamers::PgStreamers;
pub use subscriptions::PgSubscriptions;
pub use tokens::PgTokens;
/// A host of a parsed URL.
pub use tokio_postgres::config::Host as PgHost;
pub use url::{InvalidUrl, OptionName, ParsedUrl, TlsMode, parse_url};
