//! The storage of a Solo: accounts in one SQLite file, live state in process memory.
//!
//! - [`SqliteFile`] opens the file, and its one thread runs every query. [`SqliteStreamers`], [`SqliteSettings`],
//!   [`SqliteSubscriptions`], [`SqliteLoginSessions`], [`SqliteLoginClaims`], [`SqliteTokens`] and [`SqliteAppToken`] are
//!   the ports on it, cheap to clone.
//! - [`MemoryLive`] stores votes and sessions behind one lock; the rules are in `chatpulse_domain::live`.
//! - [`LocalSignals`] and [`SingleInstance`] stand in for the signals and the leadership of a fleet.

mod app_token;
mod error;
mod file;
mod leadership;
mod live;
mod login_claims;
mod login_sessions;
pub mod metrics;
mod operation;
mod query;
mod settings;
mod signals;
mod streamers;
mod subscriptions;
mod tokens;

pub use app_token::SqliteAppToken;
pub use error::{OpenError, WriteError};
pub use file::{FileToCheck, SqliteFile};
pub use leadership::SingleInstance;
pub use live::MemoryLive;
pub use login_claims::SqliteLoginClaims;
pub use login_sessions::SqliteLoginSessions;
pub use operation::QUERIES;
pub use settings::SqliteSettings;
pub use signals::LocalSignals;
pub use streamers::SqliteStreamers;
pub use subscriptions::SqliteSubscriptions;
pub use tokens::SqliteTokens;
