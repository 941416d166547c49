//! A network between pool and server that forgets connections without a word, as one does whose router restarted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes bytes on. It lives as long as the test's runtime.
pub(crate) struct Relay {
    pub(crate) port: u16,
    /// Connections of an earlier age are forgotten.
    age: Arc<AtomicU32>,
}

impl Relay {
    /// To a port on this machine.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self { port: listener.local_addr().unwrap().port(), age: Arc::default() };
        let age = Arc::clone(&relay.age);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, server, Arc::clone(&age)));
            }
        });
        relay
    }

    /// Every connection that is open now breaks when it is used next, and not before.
    pub(crate) fn forget(&self) {
        self.age.fetch_add(1, Ordering::SeqCst);
    }
}

async fn pass_on(client: TcpStream, server: u16, age: Arc<AtomicU32>) {
    let mine = age.load(Ordering::SeqCst);
    let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let ((mut asks, mut hears), (mut answers, mut takes)) = (client.into_split(), server.into_split());
    let questions = async {
        let mut bytes = [0; 4_096];
        while let Ok(count @ 1..) = asks.read(&mut bytes).await {
            if age.load(Ordering::SeqCst) != mine || takes.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = questions => {}
        _ = tokio::io::copy(&mut answers, &mut hears) => {}
    }
}
