//! A connection that is checked out of the pool for one query.

use std::ops::Deref;

use deadpool_postgres::{ClientWrapper, Object};
use tokio::runtime::Handle;

use super::cancel::cancel;
use crate::config::Tls;

/// Returns to the pool only by [`Checkout::give_back`]. Dropped before that, because the deadline passed or the caller
/// left, it closes the connection and has the server end the statement: the next query must not wait for the answer to the
/// abandoned one, and a write that was reported as failed must not happen later.
pub(super) struct Checkout {
    client: Option<Object>,
    tls: Tls,
}

impl Checkout {
    pub(super) fn new(client: Object, tls: Tls) -> Self {
        Self { client: Some(client), tls }
    }

    pub(super) fn give_back(mut self) {
        self.client = None;
    }
}

impl Deref for Checkout {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        match &self.client {
            Some(client) => client,
            None => unreachable!("only `give_back` and `drop` empty a checkout, and both end it"),
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let client = Object::take(client);
        // There is no runtime any more where the process ends.
        if let Ok(runtime) = Handle::try_current()
            && !client.is_closed()
        {
            runtime.spawn(cancel(client.cancel_token(), self.tls.clone()));
        }
    }
}
