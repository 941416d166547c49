//! Why PostgreSQL was not opened, in words for the operator.

use std::error::Error;
use std::io;

use chatpulse_domain::ports::error::BoxError;
use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use crate::target::Target;

/// Why the database was not opened. Each message is one line and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A migration was asked for through a pool that was opened for a check.
    #[error("the database was opened only for reading")]
    OnlyForReading,
    /// No server answered.
    #[error("cannot reach PostgreSQL at {address}: start it, or correct DATABASE_URL")]
    Unreachable {
        /// Where the server is.
        address: String,
        /// The error of the network.
        #[source]
        source: BoxError,
    },
    /// The server has no free connection, or is starting.
    #[error(
        "PostgreSQL at {address} accepts no connection now: wait, raise its max_connections, or lower DB_MAX_CONNS"
    )]
    Busy {
        /// Where the server is.
        address: String,
        /// The error of PostgreSQL.
        #[source]
        source: BoxError,
    },
    /// The password is wrong or missing.
    #[error("PostgreSQL at {address} refuses the password of user {user}: correct it in DATABASE_URL")]
    WrongPassword {
        /// Where the server is.
        address: String,
        /// The user name.
        user: String,
        /// The error of PostgreSQL.
        #[source]
        source: BoxError,
    },
    /// The user does not exist, or may not connect from this host.
    #[error(
        "PostgreSQL at {address} does not accept user {user}: create that user, allow it in pg_hba.conf, or correct \
         DATABASE_URL"
    )]
    UserRefused {
        /// Where the server is.
        address: String,
        /// The user name.
        user: String,
        /// The error of PostgreSQL.
        #[source]
        source: BoxError,
    },
    /// The database does not exist.
    #[error("PostgreSQL at {address} has no database {database}: create it, or correct DATABASE_URL")]
    NoDatabase {
        /// Where the server is.
        address: String,
        /// The name of the database.
        database: String,
        /// The error of PostgreSQL.
        #[source]
        source: BoxError,
    },
    /// The server requires TLS, and the connection did not use it.
    #[error(
        "PostgreSQL at {address} accepts only encrypted connections: add sslmode=require to DATABASE_URL"
    )]
    WantsTls {
        /// Where the server is.
        address: String,
        /// The error of PostgreSQL.
        #[source]
        source: BoxError,
    },
    /// TLS is required, and the server has none.
    #[error(
        "PostgreSQL at {address} offers no TLS: turn it on there (ssl = on), or set sslmode=disable in DATABASE_URL \
         if the network is trusted"
    )]
    NoTls {
        /// Where the server is.
        address: String,
        /// The error of PostgreSQL.
        #[source]
        source: BoxError,
    },
    /// The certificate is not valid for this host, or its authority is unknown.
    #[error(
        "the certificate of PostgreSQL at {address} is not trusted for that host: name its CA in SSL_CERT_FILE, or \
         use the host name that the certificate is for"
    )]
    NotTrusted {
        /// Where the server is.
        address: String,
        /// What is wrong with the certificate.
        #[source]
        source: BoxError,
    },
    /// The user may not create tables in the database.
    #[error(
        "user {user} may not create tables in database {database}: make the user the owner, or GRANT CREATE ON SCHEMA \
         public TO it"
    )]
    MayNotMigrate {
        /// The user name.
        user: String,
        /// The name of the database.
        database: String,
        /// The error of PostgreSQL.
        #[source]
        source: BoxError,
    },
    /// Another instance held the migration lock for too long.
    #[error(
        "another instance has been migrating database {database} for too long: check that instance, then start again"
    )]
    Locked {
        /// The name of the database.
        database: String,
        /// The error of PostgreSQL.
        #[source]
        source: BoxError,
    },
    /// A later version of ChatPulse migrated the database.
    #[error(
        "database {database} was made by a newer ChatPulse (schema {found}, this version knows {known}): run that \
         version or a later one"
    )]
    Newer {
        /// The name of the database.
        database: String,
        /// Its schema version.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// A migration failed. The schema stays at the version that it had.
    #[error("cannot bring the schema of database {database} up to date")]
    Migration {
        /// The name of the database.
        database: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// Any other failure.
    #[error("cannot open database {database} of PostgreSQL at {address}")]
    Failed {
        /// Where the server is.
        address: String,
        /// The name of the database.
        database: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl OpenError {
    /// For `map_err`: classifies an error of the pool.
    pub(crate) fn from_pool(target: &Target) -> impl FnOnce(PoolError) -> Self {
        move |error| match error {
            PoolError::Backend(error) => Self::from_postgres(target)(error),
            PoolError::Timeout(_) => {
                Self::Unreachable { address: target.address.clone(), source: "no answer in time".into() }
            }
            other => Self::failed(target, other),
        }
    }

    /// For `map_err`: classifies an error of the client.
    pub(crate) fn from_postgres(target: &Target) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |error| match error.as_db_error() {
            Some(refusal) => {
                let (code, text) = (refusal.code().clone(), refusal.message().to_owned());
                Self::from_refusal(target, &code, &text, error)
            }
            None => Self::from_client(target, error),
        }
    }

    fn from_refusal(target: &Target, code: &SqlState, text: &str, error: tokio_postgres::Error) -> Self {
        let Target { address, user, database } = target.clone();
        let source = error.into();
        match *code {
            SqlState::INVALID_PASSWORD => Self::WrongPassword { address, user, source },
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION if text.contains("no encryption") => {
                Self::WantsTls { address, source }
            }
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Self::UserRefused { address, user, source },
            SqlState::INVALID_CATALOG_NAME => Self::NoDatabase { address, database, source },
            SqlState::TOO_MANY_CONNECTIONS | SqlState::CANNOT_CONNECT_NOW => Self::Busy { address, source },
            SqlState::INSUFFICIENT_PRIVILEGE => Self::MayNotMigrate { user, database, source },
            SqlState::LOCK_NOT_AVAILABLE => Self::Locked { database, source },
            ref code if code.code().starts_with("57P") => Self::Busy { address, source },
            _ => Self::Failed { address, database, source },
        }
    }

    /// The client's own errors have no public kinds, so the cause decides.
    fn from_client(target: &Target, error: tokio_postgres::Error) -> Self {
        let Target { address, user, .. } = target.clone();
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
            None => Self::failed(target, error),
        }
    }

    pub(crate) fn failed(target: &Target, error: impl Into<BoxError>) -> Self {
        let Target { address, database, .. } = target.clone();
        Self::Failed { address, database, source: error.into() }
    }

    /// Whether a later try may succeed: a server that starts or fails over answers soon.
    pub(crate) fn is_transient(&self) -> bool {
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
