//! Solo storage: accounts in one SQLite file, live state in process memory.
//!
//! - [`SqliteFile`] opens the file, and its one thread runs every query. [`SqliteStreamers`], [`SqliteSettings`],
//!   [`SqliteSubscriptions`] and [`SqliteLoginSessions`] are its ports; all are cheap to clone from one file.
//! - [`MemoryLive`] is votes and sessions behind one lock; read `live/votes.rs` for the path of a vote.
//! - [`LocalSignals`] and [`SingleInstance`] are what is left of a fleet when there is one instance.

mod app_token;
mod error;
mod file;
mod leadership;
mod live;
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
pub use error::OpenError;
pub use file::{FileToCheck, SqliteFile};
pub use leadership::SingleInstance;
pub use live::MemoryLive;
pub use login_sessions::SqliteLoginSessions;
pub use operation::QUERIES;
pub use settings::SqliteSettings;
pub use signals::LocalSignals;
pub use streamers::SqliteStreamers;
pub use subscriptions::SqliteSubscriptions;
pub use tokens::SqliteTokens;
