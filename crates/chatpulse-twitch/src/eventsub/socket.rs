//! EventSub over a WebSocket that we open. Its session becomes a shard of our conduit, so subscriptions outlive it.
//!
//! Read [`EventSubSocket::run`], then `EventSubSocket::read`. Source: Twitch's "Handling WebSocket Events": the first
//! frame is a welcome; a socket that is silent for longer than the keepalive is lost; on `session_reconnect` the new
//! socket is opened before the old one is closed, and both are read; we never send anything but pongs.

mod connect;
mod frame;

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ports::chat_sink::ChatSink;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use url::Url;

use crate::backoff::Backoff;
use crate::config::TwitchConfig;
use crate::eventsub::router::EventRouter;
use crate::eventsub::signature::MessageTime;
use crate::feed::TwitchFeed;
use connect::{ConnectError, Stream, open};
use frame::Frame;

type Socket = WebSocketStream<MaybeTlsStream<Box<dyn Stream>>>;

/// To connect and be welcomed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Added to Twitch's keepalive before a silent socket counts as lost.
const KEEPALIVE_MARGIN: Duration = Duration::from_secs(3);
/// Used if the welcome names none.
const KEEPALIVE_DEFAULT: Duration = Duration::from_secs(10);
/// For reading what is left on an old socket: its successor waits meanwhile, and has ten seconds to become the shard.
const DRAIN_WITHIN: Duration = Duration::from_secs(1);
/// After a socket that lived this long, reconnecting begins with the shortest wait again.
const STABLE_AFTER: Duration = Duration::from_mins(1);

/// Keeps one EventSub socket connected.
pub struct EventSubSocket {
    config: TwitchConfig,
    feed: TwitchFeed,
    router: EventRouter,
    sink: Arc<dyn ChatSink>,
}

/// Why a socket ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("failed to connect: {0}")]
    Connect(#[source] ConnectError),
    #[error("failed to connect: {0}")]
    Handshake(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("Twitch named no URL to connect to")]
    NoUrl,
    #[error("no answer within {} s", CONNECT_TIMEOUT.as_secs())]
    Timeout,
    #[error("Twitch sent no welcome")]
    NoWelcome,
    #[error("Twitch sent nothing for longer than the keepalive")]
    Silent,
    #[error("Twitch closed it: {code} {reason}")]
    Closed { code: u16, reason: String },
    #[error("the connection broke: {0}")]
    Broken(#[source] Box<tokio_tungstenite::tungstenite::Error>),
}

/// Why a socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SocketError(#[from] Ended);

/// A socket that was welcomed.
struct Session {
    socket: Socket,
    id: String,
    keepalive: Duration,
}

impl EventSubSocket {
    /// Chat goes to `sink`, everything else through `router`.
    pub fn new(config: TwitchConfig, feed: TwitchFeed, router: EventRouter, sink: Arc<dyn ChatSink>) -> Self {
        Self { config, feed, router, sink }
    }

    /// Connects, reads, connects again. Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        let sockets = async {
            loop {
                let started = Instant::now();
                let ended = Box::pin(self.run_once()).await;
                self.feed.socket_disconnected();
                if started.elapsed() > STABLE_AFTER {
                    backoff.reset();
                }
                let wait = backoff.wait();
                warn!(%ended, retry_in_ms = wait.as_millis(), "the EventSub socket ended; reconnecting");
                tokio::time::sleep(wait).await;
            }
        };
        stop.run_until_cancelled(Box::pin(sockets)).await;
    }

    /// From connecting to the end, through every reconnect that Twitch asks for.
    async fn run_once(&self) -> Ended {
        let mut session = match self.connect(self.config.urls.eventsub.as_str()).await {
            Ok(session) => session,
            Err(ended) => return ended,
        };
        info!("connected the EventSub socket");
        loop {
            self.feed.socket_connected(&session.id);
            match Box::pin(self.read(session)).await {
                Ok(successor) => session = successor,
                Err(ended) => return ended,
            }
        }
    }

    /// Reads until the socket ends, or until a successor that Twitch asked for is welcomed.
    async fn read(&self, mut session: Session) -> Result<Session, Ended> {
        let url = loop {
            match self.next(&mut session).await? {
                Frame::Reconnect { url } => break url,
                frame => self.handle(&frame).await,
            }
        };
        debug!("Twitch asks to reconnect; reading both sockets until the new one is welcomed");
        let successor = self.connect(&url);
        tokio::pin!(successor);
        loop {
            tokio::select! {
                welcomed = &mut successor => {
                    self.drain(session).await;
                    return welcomed;
                }
                frame = self.next(&mut session) => match frame {
                    Ok(frame) => self.handle(&frame).await,
                    Err(ended) => {
                        debug!(%ended, "the old socket ended before its successor was welcomed");
                        return successor.await;
                    }
                }
            }
        }
    }

    /// Closes the old socket only now, and handles what Twitch sent on it until then.
    async fn drain(&self, mut old: Session) {
        let rest = async {
            if old.socket.close(None).await.is_ok() {
                while let Ok(frame) = next_frame(&mut old.socket).await {
                    self.handle(&frame).await;
                }
            }
        };
        let _ = timeout(DRAIN_WITHIN, rest).await;
    }

    async fn connect(&self, url: &str) -> Result<Session, Ended> {
        let (session, sent_at) = connect(&self.config, url).await?;
        self.router.saw_time(sent_at);
        Ok(session)
    }

    /// A ping does not end the silence: it shows that the connection is open, not that messages are sent.
    async fn next(&self, session: &mut Session) -> Result<Frame, Ended> {
        timeout(session.keepalive, next_frame(&mut session.socket)).await.map_err(|_| Ended::Silent)?
    }

    async fn handle(&self, frame: &Frame) {
        match frame {
            Frame::Notification(notification) => {
                if let Some(delivery) = self.router.notification(&notification.envelope()) {
                    self.sink.receive(delivery).await;
                }
            }
            Frame::Revocation(revocation) => self.router.revocation(&revocation.envelope()),
            Frame::Keepalive { sent_at } => self.router.saw_time(*sent_at),
            Frame::Welcome { .. } | Frame::Reconnect { .. } => {}
            Frame::Unknown => debug!("ignored a message of an unknown kind"),
        }
    }
}

/// Opens a socket, waits for its welcome and closes it: for `chatpulse check`.
pub async fn try_connect(config: &TwitchConfig) -> Result<(), SocketError> {
    let (mut session, _) = connect(config, config.urls.eventsub.as_str()).await?;
    let _ = timeout(DRAIN_WITHIN, session.socket.close(None)).await;
    Ok(())
}

/// Connects and waits for the welcome. Also returns when Twitch sent that.
async fn connect(config: &TwitchConfig, url: &str) -> Result<(Session, Option<MessageTime>), Ended> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let tls = Connector::Rustls(Arc::clone(&config.tls));
    let parsed = Url::parse(url).map_err(|_| Ended::NoUrl)?;
    let connecting = async {
        let stream = open(&parsed, &config.proxies, &config.tls).await.map_err(Ended::Connect)?;
        let shaken = client_async_tls_with_config(url, stream, None, Some(tls)).await;
        shaken.map_err(|error| Ended::Handshake(Box::new(error)))
    };
    let (mut socket, _) = timeout_at(deadline, connecting).await.map_err(|_| Ended::Timeout)??;
    let welcome = timeout_at(deadline, next_frame(&mut socket)).await.map_err(|_| Ended::NoWelcome)??;
    let Frame::Welcome { session_id, keepalive_secs, sent_at } = welcome else {
        return Err(Ended::NoWelcome);
    };
    let keepalive = keepalive_secs.map_or(KEEPALIVE_DEFAULT, Duration::from_secs) + KEEPALIVE_MARGIN;
    Ok((Session { socket, id: session_id, keepalive }, sent_at))
}

/// The next text frame; control frames are answered by the library.
async fn next_frame(socket: &mut Socket) -> Result<Frame, Ended> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(Frame::read(&text)),
            Some(Ok(Message::Close(close))) => {
                let (code, reason) = close
                    .map_or((1005, String::new()), |close| (close.code.into(), close.reason.to_string()));
                return Err(Ended::Closed { code, reason });
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(Ended::Broken(Box::new(error))),
            None => {
                return Err(Ended::Closed { code: 1006, reason: "no close frame".into() });
            }
        }
    }
}
