//! A network between pool and server that can lose connections silently, as when a router restarts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Forwards bytes in both directions until the test's runtime ends.
pub(crate) struct Relay {
    pub(crate) port: u16,
    /// Connections that were opened under a lower number are broken.
    generation: Arc<AtomicU32>,
    swallows: Arc<AtomicBool>,
}

impl Relay {
    /// Forwards to a port on this machine.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let relay = Self { port, generation: Arc::default(), swallows: Arc::default() };
        let (generation, swallows) = (Arc::clone(&relay.generation), Arc::clone(&relay.swallows));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, server, Arc::clone(&generation), Arc::clone(&swallows)));
            }
        });
        relay
    }

    /// Breaks every open connection: each fails when it is used next, and not before.
    pub(crate) fn break_connections(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// From now on no request reaches the server, and no connection breaks.
    pub(crate) fn swallow_everything(&self) {
        self.swallows.store(true, Ordering::SeqCst);
    }
}

async fn forward(client: TcpStream, server: u16, generation: Arc<AtomicU32>, swallows: Arc<AtomicBool>) {
    let own = generation.load(Ordering::SeqCst);
    let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let ((mut client_reads, mut client_writes), (mut server_reads, mut server_writes)) =
        (client.into_split(), server.into_split());
    let requests = async {
        let mut bytes = [0; 4_096];
        while let Ok(count @ 1..) = client_reads.read(&mut bytes).await {
            if swallows.load(Ordering::SeqCst) {
                continue;
            }
            if generation.load(Ordering::SeqCst) != own
                || server_writes.write_all(&bytes[..count]).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        _ = tokio::io::copy(&mut server_reads, &mut client_writes) => {}
    }
}
