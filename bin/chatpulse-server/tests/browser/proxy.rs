//! A proxy between a browser and the server, which answers by itself when a test says so.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::tab::SOON;

/// What a proxy answers while the server behind it restarts.
pub(crate) const FOREIGN_404: &str = "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 22\r\nConnection: close\r\n\r\n<h1>404 Not Found</h1>";

/// What the server answers for an overlay URL that was replaced, as far as the page looks at it.
pub(crate) const OUR_404: &str =
    "HTTP/1.1 404 Not Found\r\nChatPulse-Overlay: gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Answers of proxies that say nothing about the overlay.
pub(crate) const FOREIGN: [&str; 7] = [
    FOREIGN_404,
    "HTTP/1.1 404 Not Found\r\nChatPulse-Overlay: maybe\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 410 Gone\r\nChatPulse-Overlay: gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\nConnection: close\r\n\r\nWe'll be back",
    "HTTP/1.1 302 Found\r\nLocation: /sorry\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "",
];

#[derive(Clone)]
enum Says {
    Forward,
    /// Forwards, but answers 404 to every path with this in it.
    ForwardWithout(Arc<str>),
    /// This to every request; nothing hangs up.
    Answer(Arc<str>),
}

/// The requests that the proxy answered itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) pages: usize,
    pub(crate) sockets: usize,
}

pub(crate) struct Proxy {
    pub(crate) host: String,
    says: watch::Sender<Says>,
    answered: watch::Sender<Answered>,
}

impl Proxy {
    /// Begins to forward to a server, which is given by host and port.
    pub(crate) async fn before(server: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let host = listener.local_addr()?.to_string();
        let (says, answered) = (watch::Sender::new(Says::Forward), watch::Sender::new(Answered::default()));
        let proxy = Self { host, says: says.clone(), answered: answered.clone() };
        let server = server.to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut orders, answered, server) = (says.subscribe(), answered.clone(), server.clone());
                tokio::spawn(async move {
                    // A new order ends what was open before.
                    let now = orders.borrow_and_update().clone();
                    tokio::select! {
                        _ = serve(client, &server, now, &answered) => {}
                        _ = orders.changed() => {}
                    }
                });
            }
        });
        Ok(proxy)
    }

    /// The same page, by way of the proxy.
    pub(crate) fn instead_of(&self, url: &str) -> String {
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        format!("http://{}/{path}", self.host)
    }

    pub(crate) fn forward(&self) {
        self.says.send_replace(Says::Forward);
    }

    /// Forwards all but the paths with this in them, which are answered [`FOREIGN_404`].
    pub(crate) fn forward_without(&self, part: &str) {
        self.answered.send_replace(Answered::default());
        self.says.send_replace(Says::ForwardWithout(part.into()));
    }

    /// Answers this from now on, and nothing else. Nothing hangs up.
    pub(crate) fn answer(&self, answer: &str) {
        self.answered.send_replace(Answered::default());
        self.says.send_replace(Says::Answer(answer.into()));
    }

    /// The requests since the last [`Self::answer`].
    pub(crate) fn answered(&self) -> Answered {
        *self.answered.borrow()
    }

    /// Waits until the proxy has answered that much since the last [`Self::answer`].
    pub(crate) async fn has_answered(&self, enough: impl Fn(&Answered) -> bool) -> anyhow::Result<()> {
        let mut answered = self.answered.subscribe();
        let waited = timeout(SOON, answered.wait_for(enough)).await;
        waited.with_context(|| format!("nobody asked the proxy for more: {:?}", self.answered()))??;
        Ok(())
    }
}

async fn serve(
    mut client: TcpStream,
    server: &str,
    says: Says,
    answered: &watch::Sender<Answered>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default();
    let answer = match &says {
        Says::Answer(answer) => answer,
        Says::ForwardWithout(part) if path.contains(&**part) => FOREIGN_404,
        Says::ForwardWithout(_) | Says::Forward => {
            let mut server = TcpStream::connect(server).await?;
            // One request a connection, so that each is looked at.
            server.write_all(text.replace("Connection: keep-alive", "Connection: close").as_bytes()).await?;
            copy_bidirectional(&mut client, &mut server).await?;
            return Ok(());
        }
    };
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await?;
    answered.send_modify(|answered| {
        if head.starts_with(b"GET /ws/") {
            answered.sockets += 1;
        } else {
            answered.pages += 1;
        }
    });
    // Until the browser has read it.
    while client.read_buf(&mut head).await? > 0 {}
    Ok(())
}
