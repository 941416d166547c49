//! Ends statements on the server that nobody waits for any more. Poolers refuse `statement_timeout` as an option of the
//! connection, and a setting of a session would stay on a connection that others use next.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::debug;

use crate::config::Tls;

/// How long the request may take. The server handles it apart from all connections.
const WITHIN: Duration = Duration::from_secs(2);

/// Asks the server to end what a connection runs now. The statement then fails; if it is over already, nothing happens.
pub(super) async fn cancel(token: CancelToken, tls: Tls) {
    let request = async {
        match tls {
            Tls::Disabled => token.cancel_query(NoTls).await,
            Tls::Verified(client) => {
                token.cancel_query(MakeRustlsConnect::new(client.as_ref().clone())).await
            }
        }
    };
    if !matches!(timeout(WITHIN, request).await, Ok(Ok(()))) {
        debug!("failed to cancel a statement that nobody waits for");
    }
}
