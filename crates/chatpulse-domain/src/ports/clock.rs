//! The current time, which tests can set.

use crate::time::Timestamp;

/// Tells the time. A step that needs the time more than once reads it once and passes it on.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}
