//! A connection that is checked out of the pool for one query.

use std::ops::Deref;

use deadpool_postgres::{ClientWrapper, Object};

/// Returns to the pool only by [`Checkout::give_back`]. Dropped before that, because the deadline passed or the caller
/// left, it closes the connection: the next query must not wait for the answer to the abandoned one.
pub(super) struct Checkout(Option<Object>);

impl Checkout {
    pub(super) fn new(client: Object) -> Self {
        Self(Some(client))
    }

    pub(super) fn give_back(mut self) {
        self.0 = None;
    }
}

impl Deref for Checkout {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        match &self.0 {
            Some(client) => client,
            None => unreachable!("only `give_back` and `drop` empty a checkout, and both end it"),
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}
