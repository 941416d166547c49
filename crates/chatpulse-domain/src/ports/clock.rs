//! Now, as an argument that tests can set.

use crate::time::Timestamp;

/// Tells the time. Whoever needs it more than once in one step asks once and passes it on.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}
