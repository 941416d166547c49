//! How a store fails, as far as its callers can react to it.

/// The cause below an error, kept for the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A store gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Down, slow or refusing. Trying again later may help.
    #[error("could not {operation}")]
    Unavailable {
        /// What was tried, as a verb phrase.
        operation: &'static str,
        /// What went wrong below.
        #[source]
        source: BoxError,
    },
    /// It answered with something we never wrote. Trying again will not help.
    #[error("{place} holds a value that breaks an invariant")]
    Corrupt {
        /// Where, such as `settings.decay_speed`.
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
