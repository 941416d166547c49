//! Errors of the stores. Variants differ when the caller's reaction differs.

/// The cause below an error, kept for the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A store gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is down, slow or refuses. A later try may succeed.
    #[error("could not {operation}")]
    Unavailable {
        /// What was tried, as a verb phrase.
        operation: &'static str,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The store answers, but takes no writes: its disk or its memory is full, or it is a replica. Restarting us does not
    /// help.
    #[error("could not {operation}: it takes no writes and says \"{words}\"")]
    RefusesWrites {
        /// What was tried, as a verb phrase.
        operation: &'static str,
        /// The store's own words, such as `NOREPLICAS Not enough good replicas to write.`
        words: String,
    },
    /// The store answered with a value that ChatPulse never writes. Another try will not help.
    #[error("malformed value in {place}")]
    Corrupt {
        /// Where the value is stored, such as `settings.decay_speed`.
        place: &'static str,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
}

impl StoreError {
    /// For `map_err`: names the operation and keeps the cause.
    pub fn unavailable<E: Into<BoxError>>(operation: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Unavailable { operation, source: source.into() }
    }

    /// For `map_err`: names the place and keeps the cause.
    pub fn corrupt<E: Into<BoxError>>(place: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Corrupt { place, source: source.into() }
    }
}
