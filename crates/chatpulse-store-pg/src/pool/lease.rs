//! A connection while one question is on it.

use std::ops::Deref;

use deadpool_postgres::{ClientWrapper, Object};

/// Goes back to the pool only by [`Lease::give_back`]. Dropped before that, because the deadline passed or the caller
/// left, the connection is closed: nobody shall wait behind an answer that nobody reads.
pub(super) struct Lease(Option<Object>);

impl Lease {
    pub(super) fn of(client: Object) -> Self {
        Self(Some(client))
    }

    pub(super) fn give_back(mut self) {
        self.0 = None;
    }
}

impl Deref for Lease {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        match &self.0 {
            Some(client) => client,
            None => unreachable!("only `give_back` and `drop` empty a lease, and both end it"),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}
