//! Failures of Redis: which ones mean that it is out of reach, and which concern one request only.

use chatpulse_domain::ports::error::{BoxError, StoreError};
use fred::error::{Error as FredError, ErrorKind};

use crate::operation::Operation;

/// Why no connection was made. Contains no password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Malformed URL.
    #[error("REDIS_URL is not valid: {0}")]
    Url(String),
    /// `rediss://` without roots to verify the server's certificate against.
    #[error("REDIS_URL asks for TLS, but no TLS configuration was given")]
    NoTls,
    /// No server answered, or not as Redis does.
    #[error("could not connect to Redis")]
    Unreachable(#[source] BoxError),
    /// The server answers, but did not take the functions.
    #[error("could not load the functions into Redis")]
    Functions(#[source] BoxError),
}

impl ConnectError {
    pub(crate) fn unreachable<E: Into<BoxError>>(source: E) -> Self {
        Self::Unreachable(source.into())
    }
}

/// Why one request has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Not sent, because Redis was out of reach a moment ago.
    #[error("the circuit breaker is open")]
    BreakerOpen,
    #[error("no answer in time")]
    Timeout,
    #[error("the connection failed")]
    Unreachable(#[source] FredError),
    /// Redis answered with an error.
    #[error("Redis refused")]
    Refused(#[source] FredError),
    /// Redis answers and takes no writes, for this reason in its own words.
    #[error("Redis takes no writes: {0}")]
    RefusesWrites(String),
    /// Redis got to it after its deadline and did nothing. The deadline was wrong if there was time left.
    #[error("Redis got to it too late, and did nothing")]
    Late { clock_was_wrong: bool },
    /// Redis answered with a value that ChatPulse never writes.
    #[error("malformed value in {place}")]
    Malformed { place: &'static str },
}

impl Failure {
    /// The label in metrics.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::BreakerOpen => "breaker_open",
            Self::Timeout | Self::Late { .. } => "timeout",
            Self::Unreachable(_) => "unreachable",
            Self::Refused(_) | Self::RefusesWrites(_) | Self::Malformed { .. } => "refused",
        }
    }

    /// Whether it concerns Redis as a whole. The breaker counts these.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Timeout | Self::Unreachable(_))
    }

    /// Whether the server has no such function, or not yet.
    pub(crate) fn is_function_missing(&self) -> bool {
        matches!(self, Self::Refused(error) if error.details().contains("Function not found"))
    }

    /// Whether a library of this name was loaded a moment before.
    pub(crate) fn is_library_present(&self) -> bool {
        matches!(self, Self::Refused(error) if error.details().contains("already exists"))
    }

    /// The store error for the operation that failed.
    pub(crate) fn during(self, operation: Operation) -> StoreError {
        match self {
            Self::Malformed { place } => StoreError::corrupt(place)("ChatPulse never writes such a value"),
            Self::Refused(error) if error.details().starts_with("WRONGTYPE") => {
                StoreError::corrupt("a key of the session")(error)
            }
            Self::RefusesWrites(words) => StoreError::RefusesWrites { operation: operation.does, words },
            failure => StoreError::unavailable(operation.does)(failure),
        }
    }
}

/// Errors of a server that serves no one: it loads its data, has lost its master, its cluster is incomplete, or a script
/// blocks it.
const OUT_OF_SERVICE: [&str; 4] = ["LOADING", "MASTERDOWN", "CLUSTERDOWN", "BUSY"];

/// Errors of a server that only reads: it cannot save to its disk, is at its `maxmemory`, has fewer replicas than
/// `min-replicas-to-write`, or is a replica.
const READS_ONLY: [&str; 4] = ["MISCONF", "OOM", "NOREPLICAS", "READONLY"];

/// The client's own errors for requests that never reached the server; their kind is unknown.
const NOT_SENT: [&str; 3] =
    ["command to router", "Failed to route command", "Too many failed write attempts"];

impl From<FredError> for Failure {
    fn from(error: FredError) -> Self {
        let says = |words: &str| error.details().contains(words);
        if READS_ONLY.iter().any(|prefix| error.details().starts_with(prefix)) {
            return Self::RefusesWrites(error.details().to_owned());
        }
        match error.kind() {
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::IO
            | ErrorKind::Canceled
            | ErrorKind::Routing
            | ErrorKind::Tls
            | ErrorKind::Cluster
            | ErrorKind::Backpressure => Self::Unreachable(error),
            _ if OUT_OF_SERVICE.iter().any(|prefix| error.details().starts_with(prefix)) => {
                Self::Unreachable(error)
            }
            ErrorKind::Unknown if NOT_SENT.into_iter().any(says) => Self::Unreachable(error),
            // Every other unknown kind is an answer of the server.
            _ => Self::Refused(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(details: &'static str) -> Failure {
        FredError::new(ErrorKind::Unknown, details).into()
    }

    #[test]
    fn only_transport_errors_and_timeouts_are_an_outage() {
        for kind in [ErrorKind::IO, ErrorKind::Timeout, ErrorKind::Canceled, ErrorKind::Backpressure] {
            assert!(Failure::from(FredError::new(kind, "")).is_outage());
        }
        for kind in [ErrorKind::Unknown, ErrorKind::Parse, ErrorKind::NotFound, ErrorKind::InvalidCommand] {
            assert!(!Failure::from(FredError::new(kind, "")).is_outage());
        }
        for words in ["LOADING Redis is loading", "BUSY x"] {
            assert!(refused(words).is_outage(), "{words}");
        }
        assert!(!refused("ERR unknown command").is_outage());
        assert!(!Failure::BreakerOpen.is_outage() && !Failure::Malformed { place: "x" }.is_outage());
    }

    #[test]
    fn a_key_of_another_type_is_corrupt_and_not_unavailable() {
        let error = refused("WRONGTYPE Operation against a key").during(crate::operation::CAST);
        assert!(matches!(error, StoreError::Corrupt { .. }));
        let error = refused("ERR unknown command").during(crate::operation::CAST);
        assert!(matches!(error, StoreError::Unavailable { .. }));
    }

    /// The breaker stays closed, so that what only reads goes on.
    #[test]
    fn a_server_that_takes_no_writes_is_no_outage_and_its_words_are_kept() {
        for words in [
            "READONLY You can't write against a read only replica.",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "NOREPLICAS Not enough good replicas to write.",
            "MISCONF Redis is configured to save RDB snapshots",
        ] {
            assert!(!refused(words).is_outage(), "{words}");
            let error = refused(words).during(crate::operation::CAST);
            assert!(matches!(error, StoreError::RefusesWrites { .. }), "{error:?}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
