//! Why PostgreSQL was not opened, in words for whoever started the server.

use std::error::Error;
use std::fmt;
use std::io;

use chatpulse_domain::ports::error::BoxError;
use deadpool_postgres::PoolError;
use tokio_postgres::config::{Config, Host};
use tokio_postgres::error::SqlState;

/// Where it was to be opened: an address, a user and a database, and never a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) address: String,
    pub(crate) user: String,
    pub(crate) database: String,
}

impl Place {
    pub(crate) fn of(connection: &Config) -> Self {
        let ports = connection.get_ports();
        let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let address = |(index, host): (usize, &Host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(index)),
            #[cfg(unix)]
            Host::Unix(folder) => folder.display().to_string(),
        };
        let mut addresses: Vec<_> = connection.get_hosts().iter().enumerate().map(address).collect();
        if addresses.is_empty() {
            let numeric = connection.get_hostaddrs().iter().enumerate();
            addresses.extend(numeric.map(|(index, address)| format!("{address}:{}", port(index))));
        }
        let user = connection.get_user().unwrap_or("of this process").to_owned();
        let database = connection.get_dbname().map_or_else(|| user.clone(), str::to_owned);
        Self { address: addresses.join(" or "), user, database }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

/// Why the database was not opened. Each says in one line what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody answers there.
    #[error("cannot reach PostgreSQL at {address}: start it, or correct DATABASE_URL")]
    Unreachable {
        /// Where.
        address: String,
        /// What the network says.
        #[source]
        source: BoxError,
    },
    /// It answers, but has no room, or is still starting.
    #[error(
        "PostgreSQL at {address} takes no connection now: wait, raise its max_connections, or lower DB_MAX_CONNS"
    )]
    Busy {
        /// Where.
        address: String,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// The password is wrong or missing.
    #[error("PostgreSQL at {address} refuses the password of user {user}: correct it in DATABASE_URL")]
    WrongPassword {
        /// Where.
        address: String,
        /// Whose.
        user: String,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// No such user, or not from here.
    #[error(
        "PostgreSQL at {address} does not let user {user} in: create that user, allow it in pg_hba.conf, or correct \
         DATABASE_URL"
    )]
    NotLetIn {
        /// Where.
        address: String,
        /// Whom.
        user: String,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// No such database.
    #[error("PostgreSQL at {address} has no database {database}: create it, or correct DATABASE_URL")]
    NoDatabase {
        /// Where.
        address: String,
        /// Which.
        database: String,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// It wants TLS and we came without.
    #[error("PostgreSQL at {address} takes only encrypted connections: add sslmode=require to DATABASE_URL")]
    WantsTls {
        /// Where.
        address: String,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// We want TLS and it has none.
    #[error(
        "PostgreSQL at {address} offers no TLS: turn it on there (ssl = on), or say sslmode=disable in DATABASE_URL \
         if the network is yours alone"
    )]
    NoTls {
        /// Where.
        address: String,
        /// What it says.
        #[source]
        source: BoxError,
    },
    /// Its certificate is not one to trust for this host.
    #[error(
        "the certificate of PostgreSQL at {address} is not trusted for that host: name its CA in SSL_CERT_FILE, or \
         use the host name that the certificate is for"
    )]
    NotTrusted {
        /// Where.
        address: String,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
    /// The user may use the database, but make no tables there.
    #[error(
        "user {user} may not create tables in database {database}: make it the owner, or GRANT CREATE ON SCHEMA \
         public TO it"
    )]
    MayNotMigrate {
        /// Who.
        user: String,
        /// Where.
        database: String,
        /// What PostgreSQL says.
        #[source]
        source: BoxError,
    },
    /// Another instance holds the migration lock for too long.
    #[error(
        "another instance has been migrating database {database} for too long: see what it does there, then start again"
    )]
    Locked {
        /// Which.
        database: String,
        /// What PostgreSQL says.
        #[source]
        source: BoxError,
    },
    /// Made by a later version.
    #[error(
        "database {database} was made by a newer ChatPulse (schema {found}, this one knows {known}): run that version \
         or a later one"
    )]
    Newer {
        /// Which.
        database: String,
        /// Its schema version.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// The schema could not be brought up to date; it stays at the version it had.
    #[error("cannot bring the schema of database {database} up to date")]
    Migration {
        /// Which.
        database: String,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
    /// Anything else.
    #[error("cannot open database {database} of PostgreSQL at {address}")]
    Failed {
        /// Where.
        address: String,
        /// Which.
        database: String,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
}

impl OpenError {
    /// For `map_err`: which of these the pool's error is.
    pub(crate) fn from_pool(place: &Place) -> impl FnOnce(PoolError) -> Self {
        move |error| match error {
            PoolError::Backend(error) => Self::from_postgres(place)(error),
            PoolError::Timeout(_) => {
                Self::Unreachable { address: place.address.clone(), source: "no answer in time".into() }
            }
            other => Self::failed(place, other),
        }
    }

    /// For `map_err`: which of these the client's error is.
    pub(crate) fn from_postgres(place: &Place) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |error| match error.as_db_error() {
            Some(refusal) => {
                let (code, text) = (refusal.code().clone(), refusal.message().to_owned());
                Self::from_refusal(place, &code, &text, error)
            }
            None => Self::from_client(place, error),
        }
    }

    fn from_refusal(place: &Place, code: &SqlState, text: &str, error: tokio_postgres::Error) -> Self {
        let Place { address, user, database } = place.clone();
        let source = error.into();
        match *code {
            SqlState::INVALID_PASSWORD => Self::WrongPassword { address, user, source },
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION if text.contains("no encryption") => {
                Self::WantsTls { address, source }
            }
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Self::NotLetIn { address, user, source },
            SqlState::INVALID_CATALOG_NAME => Self::NoDatabase { address, database, source },
            SqlState::TOO_MANY_CONNECTIONS | SqlState::CANNOT_CONNECT_NOW => Self::Busy { address, source },
            SqlState::INSUFFICIENT_PRIVILEGE => Self::MayNotMigrate { user, database, source },
            SqlState::LOCK_NOT_AVAILABLE => Self::Locked { database, source },
            ref code if code.code().starts_with("57P") => Self::Busy { address, source },
            _ => Self::Failed { address, database, source },
        }
    }

    /// The client's own errors have no public kinds, so the cause has to tell.
    fn from_client(place: &Place, error: tokio_postgres::Error) -> Self {
        let Place { address, user, .. } = place.clone();
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        match cause.as_str() {
            "server does not support TLS" => return Self::NoTls { address, source: error.into() },
            "password missing" => return Self::WrongPassword { address, user, source: error.into() },
            _ => {}
        }
        match broken_link(&error) {
            Some(broken) if is_about_certificates(broken) => {
                Self::NotTrusted { address, source: error.into() }
            }
            Some(_) => Self::Unreachable { address, source: error.into() },
            None if error.is_closed() => Self::Unreachable { address, source: error.into() },
            None => Self::failed(place, error),
        }
    }

    pub(crate) fn failed(place: &Place, error: impl Into<BoxError>) -> Self {
        let Place { address, database, .. } = place.clone();
        Self::Failed { address, database, source: error.into() }
    }

    /// Whether waiting may help: true for what a server that is just starting, or just failing over, does.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }
}

fn broken_link(error: &tokio_postgres::Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

fn is_about_certificates(broken: &io::Error) -> bool {
    let cause = broken.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
}
