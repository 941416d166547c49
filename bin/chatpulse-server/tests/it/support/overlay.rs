//! An overlay as OBS opens it: a socket that is only read.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};

use super::SOON;
use super::server::Server;

/// An open overlay socket.
pub(crate) struct Overlay {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// A message that an overlay received.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Value(Shown),
    Config(Value),
    Closed(u16, String),
}

/// A value frame and its arrival time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) value: f64,
    pub(crate) status: String,
    pub(crate) decay: f64,
    /// Votes for and against, in share mode.
    pub(crate) tally: Option<(u64, u64)>,
    pub(crate) at: Instant,
}

impl Overlay {
    pub(crate) async fn open(server: &Server, overlay: &str) -> Self {
        Self::open_path(server, &format!("/ws/overlay/{overlay}")).await
    }

    pub(crate) async fn open_path(server: &Server, path: &str) -> Self {
        Self::try_open(server, path).await.unwrap_or_else(|status| panic!("{path} answered {status}"))
    }

    /// Opens an overlay. Returns the status code if the handshake was rejected.
    pub(crate) async fn try_open(server: &Server, path: &str) -> Result<Self, u16> {
        let url = format!("ws://127.0.0.1:{}{path}", server.port);
        match timeout(SOON, connect_async(url)).await.unwrap() {
            Ok((stream, _)) => Ok(Self { stream }),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens an overlay with a small receive buffer.
    pub(crate) async fn open_with_small_buffer(server: &Server, path: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let address = ([127, 0, 0, 1], server.port).into();
        let stream = MaybeTlsStream::Plain(socket.connect(address).await.unwrap());
        let (stream, _) =
            client_async(format!("ws://127.0.0.1:{}{path}", server.port), stream).await.unwrap();
        Self { stream }
    }

    pub(crate) async fn next(&mut self) -> Told {
        self.next_within(SOON).await.expect("a frame in time")
    }

    /// Returns the next message, or `None` after the timeout.
    pub(crate) async fn next_within(&mut self, limit: Duration) -> Option<Told> {
        timeout(limit, self.read()).await.ok()
    }

    async fn read(&mut self) -> Told {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if let Some(config) = frame.get("config") {
                        return Told::Config(config.clone());
                    }
                    return Told::Value(Shown {
                        value: frame["value"].as_f64().unwrap(),
                        status: frame["status"].as_str().unwrap().to_owned(),
                        decay: frame["decay"].as_f64().unwrap(),
                        tally: frame["for"].as_u64().zip(frame["against"].as_u64()),
                        at: Instant::now(),
                    });
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Told::Closed(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None))) => return Told::Closed(1005, String::new()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Told::Closed(1006, error.to_string()),
                None => return Told::Closed(1006, String::new()),
            }
        }
    }

    /// Returns the next value frame and skips other messages.
    pub(crate) async fn next_shown(&mut self) -> Shown {
        loop {
            match self.next().await {
                Told::Value(shown) => return shown,
                Told::Config(_) => {}
                Told::Closed(code, reason) => panic!("closed with {code} {reason}"),
            }
        }
    }

    /// Returns the next value.
    pub(crate) async fn next_value(&mut self) -> f64 {
        self.next_shown().await.value
    }

    /// Reads until a value matches the predicate.
    pub(crate) async fn shows(&mut self, like_this: impl Fn(f64) -> bool) -> Shown {
        let reading = async {
            loop {
                let shown = self.next_shown().await;
                if like_this(shown.value) {
                    return shown;
                }
            }
        };
        timeout(SOON, reading).await.expect("such a value in time")
    }

    /// Reads until the frame shows these numbers of votes for and against.
    pub(crate) async fn shows_tally(&mut self, in_favor: u64, against: u64) -> Shown {
        let reading = async {
            loop {
                let shown = self.next_shown().await;
                if shown.tally == Some((in_favor, against)) {
                    return shown;
                }
            }
        };
        timeout(SOON, reading).await.expect("such a share in time")
    }

    /// Returns the next settings message and skips other messages.
    pub(crate) async fn next_config(&mut self) -> Value {
        loop {
            match self.next().await {
                Told::Config(config) => return config,
                Told::Value(_) => {}
                Told::Closed(code, reason) => panic!("closed with {code} {reason}"),
            }
        }
    }

    /// Reads until the socket is closed. Returns the close code and reason.
    pub(crate) async fn wait_close(&mut self) -> (u16, String) {
        loop {
            if let Told::Closed(code, reason) = self.next().await {
                return (code, reason);
            }
        }
    }

    pub(crate) async fn send(&mut self, message: Message) {
        // Sending may fail on a socket that is being closed; the close frame gives the reason.
        let _ = self.stream.send(message).await;
    }

    /// Sends a frame header without its payload.
    pub(crate) async fn announce(&mut self, size: u64) {
        let head = [&[0x82, 0xff][..], &size.to_be_bytes(), &[0; 4]].concat();
        self.write(&head).await;
    }

    /// Reads the raw stream until the close frame, because the library would answer pings.
    pub(crate) async fn wait_close_without_a_word(&mut self, limit: Duration) -> (u16, String) {
        let MaybeTlsStream::Plain(stream) = self.stream.get_mut() else { panic!("no TLS here") };
        let (mut bytes, mut at) = (Vec::new(), 0);
        let reading = async {
            loop {
                // Server frames are short and not masked.
                while let [first, length, rest @ ..] = &bytes[at..]
                    && let Some(payload) = rest.get(..usize::from(*length))
                {
                    if *first == 0x88 {
                        let (code, reason) = payload.split_at(2);
                        let reason = String::from_utf8_lossy(reason).into_owned();
                        return (u16::from_be_bytes([code[0], code[1]]), reason);
                    }
                    at += 2 + payload.len();
                }
                assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "it hung up without a close frame");
            }
        };
        timeout(limit, reading).await.expect("a close frame in time")
    }

    async fn write(&mut self, bytes: &[u8]) {
        let MaybeTlsStream::Plain(stream) = self.stream.get_mut() else { panic!("no TLS here") };
        stream.write_all(bytes).await.unwrap();
    }

    /// Sends a text frame with invalid UTF-8 on the raw stream, because the library would reject it.
    pub(crate) async fn send_broken_text(&mut self) {
        const FRAME: [u8; 8] = [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28];
        self.write(&FRAME).await;
    }

    /// Performs the close handshake and disconnects.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.close(None).await;
        self.wait_close().await;
    }
}
