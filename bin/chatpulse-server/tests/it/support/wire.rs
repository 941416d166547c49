//! Raw HTTP, for requests that no client library would send.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::SOON;
use super::server::Server;

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
}

/// A raw response.
#[derive(Debug)]
pub(crate) struct WireAnswer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Wire {
    pub(crate) async fn to(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
        Self { stream }
    }

    /// Writes bytes and ignores errors, because the server may close before it has read everything.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Returns the response, or `None` if the connection ended without one.
    pub(crate) async fn answer(&mut self) -> Option<WireAnswer> {
        timeout(SOON, self.read()).await.expect("an answer in time")
    }

    async fn read(&mut self) -> Option<WireAnswer> {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = complete(&bytes) {
                return Some(answer);
            }
            match self.stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

/// Returns the response when its header and the announced body length have arrived.
fn complete(bytes: &[u8]) -> Option<WireAnswer> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    let status = head.split(' ').nth(1)?.parse().ok()?;
    (body.len() >= length).then_some(WireAnswer { status, text })
}
