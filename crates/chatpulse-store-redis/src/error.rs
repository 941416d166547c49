//! How Redis fails: which failures say that it is out of reach, and which are about one request only.

use chatpulse_domain::ports::error::{BoxError, StoreError};
use fred::error::{Error as FredError, ErrorKind};

use crate::operation::Operation;

/// Why no connection was made. Names no password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is not one of Redis.
    #[error("the Redis URL is not valid: {0}")]
    Url(String),
    /// `rediss://` without roots to check the server's certificate against.
    #[error("the Redis URL asks for TLS, and no TLS configuration was given")]
    NoTls,
    /// Nobody answered, or not with what a Redis says.
    #[error("could not connect to Redis")]
    Unreachable(#[source] BoxError),
    /// It answers, but the functions could not be loaded.
    #[error("could not load the functions into Redis")]
    Functions(#[source] BoxError),
}

/// Why one request has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Not sent: Redis was out of reach a moment ago.
    #[error("the circuit breaker is open")]
    BreakerOpen,
    /// No answer in time.
    #[error("no answer in time")]
    TooLate,
    /// The connection is gone.
    #[error("the connection failed")]
    Unreachable(#[source] FredError),
    /// Redis answered, and the answer is no.
    #[error("Redis refused")]
    Refused(#[source] FredError),
    /// Redis answered with something that we never wrote.
    #[error("{place} is odd")]
    Odd { place: &'static str },
}

impl Failure {
    /// The label in metrics.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::BreakerOpen => "breaker_open",
            Self::TooLate => "timeout",
            Self::Unreachable(_) => "unreachable",
            Self::Refused(_) | Self::Odd { .. } => "refused",
        }
    }

    /// Says something about Redis, and not about one request: what the breaker counts.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::TooLate | Self::Unreachable(_))
    }

    /// The server has no such function, or not yet.
    pub(crate) fn is_function_missing(&self) -> bool {
        matches!(self, Self::Refused(error) if error.details().contains("Function not found"))
    }

    /// Somebody loaded a library of this name a moment before.
    pub(crate) fn is_library_present(&self) -> bool {
        matches!(self, Self::Refused(error) if error.details().contains("already exists"))
    }

    /// With the words of the request.
    pub(crate) fn during(self, operation: Operation) -> StoreError {
        match self {
            Self::Odd { place } => StoreError::corrupt(place)("Redis holds something else there"),
            Self::Refused(error) if error.details().starts_with("WRONGTYPE") => {
                StoreError::corrupt("a key of the session")(error)
            }
            failure => StoreError::unavailable(operation.does)(failure),
        }
    }
}

/// A server that says so takes nothing from anybody: it starts, it is a replica or has lost its master, its cluster is
/// incomplete, or a script keeps it busy.
const OUT_OF_SERVICE: [&str; 5] = ["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "BUSY"];

/// The client's own words, under an unknown kind, when a request did not reach the server.
const NOT_SENT: [&str; 3] =
    ["command to router", "Failed to route command", "Too many failed write attempts"];

impl From<FredError> for Failure {
    fn from(error: FredError) -> Self {
        let says = |words: &str| error.details().contains(words);
        match error.kind() {
            ErrorKind::Timeout => Self::TooLate,
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
            // Every other unknown kind is the server's answer.
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
        for words in
            ["READONLY You can't write against a read only replica.", "LOADING Redis is loading", "BUSY x"]
        {
            assert!(refused(words).is_outage(), "{words}");
        }
        assert!(
            !refused("ERR unknown command").is_outage() && !refused("OOM command not allowed").is_outage()
        );
        assert!(!Failure::BreakerOpen.is_outage() && !Failure::Odd { place: "x" }.is_outage());
    }

    #[test]
    fn a_key_of_another_type_is_corrupt_and_not_unavailable() {
        let error = refused("WRONGTYPE Operation against a key").during(crate::operation::CAST);
        assert!(matches!(error, StoreError::Corrupt { .. }));
        let error = refused("OOM command not allowed").during(crate::operation::CAST);
        assert!(matches!(error, StoreError::Unavailable { .. }));
    }
}
