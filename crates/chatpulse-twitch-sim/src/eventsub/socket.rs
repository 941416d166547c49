//! The EventSub WebSocket: `GET /ws`.
//!
//! [`open`] finds or starts the session. Then [`Socket::run`] runs as long as the connection: it forwards frames, sends
//! keepalives, and enforces Twitch's rules.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{Error, HttpRequest, HttpResponse, web};
use actix_ws::{CloseCode, CloseReason, Message};
use bytestring::ByteString;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::eventsub::message;
use crate::eventsub::session::{Command, Outbox, SEND_TIMEOUT};
use crate::eventsub::subscription::Status;
use crate::shared::Shared;

/// The longest keepalive interval that a client can request, in seconds.
const KEEPALIVE_SECS_MAX: u64 = 600;

/// Timeout of the close handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Query parameters: the keepalive interval of a new session, or the two parts of a reconnect URL.
#[derive(Debug, Deserialize)]
pub(crate) struct OpenQuery {
    keepalive_timeout_seconds: Option<u64>,
    id: Option<String>,
    challenge: Option<String>,
}

/// Accepts a connection and assigns it to a session.
pub(crate) async fn open(
    request: HttpRequest,
    payload: web::Payload,
    query: web::Query<OpenQuery>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Error> {
    let (response, session, stream) = actix_ws::handle(&request, payload)?;
    let (outbox, inbox) = Outbox::new();
    let default_secs = shared.config.keepalive_secs.max(1);
    let place = shared.change(|world| match (&query.id, &query.challenge) {
        (Some(id), Some(challenge)) => world.resume_session(id, challenge, outbox),
        _ => Some(world.start_session(keepalive_secs(&query, default_secs), outbox)),
    });
    let tasks = shared.tasks.clone();
    let shared = shared.into_inner();
    actix_web::rt::spawn(tasks.track_future(async move {
        let Some(place) = place else {
            return close(session, stream, 4007).await;
        };
        let keepalive = Duration::from_secs(place.keepalive_secs);
        let socket =
            Socket { shared, id: place.session_id, number: place.number, session, keepalive, silent: false };
        socket.run(place.welcome, stream, inbox).await;
    }));
    Ok(response)
}

fn keepalive_secs(query: &OpenQuery, default_secs: u64) -> u64 {
    let wish = query.keepalive_timeout_seconds;
    wish.map_or(default_secs, |wish| wish.clamp(default_secs.min(10), KEEPALIVE_SECS_MAX))
}

/// Why a socket ended.
enum End {
    /// The client closed it or disappeared.
    Client,
    /// The simulation closes it with this code.
    Close(u16),
    /// The simulation breaks the connection without a close frame.
    Drop,
}

struct Socket {
    shared: Arc<Shared>,
    id: String,
    number: u64,
    session: actix_ws::Session,
    keepalive: Duration,
    /// Whether a test silenced the socket; it then sends nothing.
    silent: bool,
}

/// When a socket acts by itself.
struct Deadlines {
    keepalive: Instant,
    /// Until then the session needs a subscription; `None` once it was checked.
    unused: Option<Instant>,
    /// Until then the client must have reconnected, if it was asked to.
    reconnect: Option<Instant>,
    ping: Instant,
}

impl Socket {
    async fn run(
        mut self,
        welcome: ByteString,
        mut stream: actix_ws::MessageStream,
        mut inbox: mpsc::Receiver<Command>,
    ) {
        let end = match self.text(welcome).await {
            Some(end) => end,
            None => self.serve(&mut stream, &mut inbox).await,
        };
        let status = match end {
            End::Close(4000) => Status::WebsocketInternalError,
            End::Close(4001) => Status::WebsocketReceivedInboundTraffic,
            End::Close(4002) => Status::WebsocketFailedPingPong,
            End::Close(4003) => Status::WebsocketConnectionUnused,
            End::Close(4004) => Status::WebsocketFailedToReconnect,
            End::Close(4005) => Status::WebsocketNetworkTimeout,
            End::Close(4006) => Status::WebsocketNetworkError,
            End::Client | End::Close(_) | End::Drop => Status::WebsocketDisconnected,
        };
        // Update the state before closing, so that a client that sees the close also sees its effects.
        self.shared.lose_socket(&self.id, self.number, status).await;
        match end {
            End::Client => close(self.session, stream, 1000).await,
            End::Close(code) => close(self.session, stream, code).await,
            End::Drop => drop(self.session),
        }
    }

    async fn serve(
        &mut self,
        stream: &mut actix_ws::MessageStream,
        inbox: &mut mpsc::Receiver<Command>,
    ) -> End {
        let limits = self.shared.config.limits.clone();
        let stop = self.shared.stop.clone();
        let opened = Instant::now();
        let mut due = Deadlines {
            keepalive: opened + self.keepalive,
            unused: Some(opened + limits.unused_session),
            reconnect: None,
            ping: opened + limits.ping_interval,
        };
        let mut pong_is_due = false;
        loop {
            let ended = tokio::select! {
                () = stop.cancelled() => Some(End::Close(1001)),
                command = inbox.recv() => self.run_command(command, &mut due).await,
                () = sleep_until(due.keepalive) => {
                    due.keepalive = Instant::now() + self.keepalive;
                    let message_id = self.shared.change(|world| world.ids.uuid());
                    self.text(message::keepalive(&message_id)).await
                }
                () = at(due.unused) => {
                    due.unused = None;
                    let used = self.shared.read(|world| world.session_is_used(&self.id));
                    (!used).then_some(End::Close(4003))
                }
                () = at(due.reconnect) => Some(End::Close(4004)),
                () = sleep_until(due.ping) => {
                    due.ping = Instant::now() + limits.ping_interval;
                    let missed = std::mem::replace(&mut pong_is_due, true);
                    let sent = !missed && self.session.ping(b"").await.is_ok();
                    (!sent).then_some(End::Close(4002))
                }
                frame = stream.recv() => match frame {
                    Some(Ok(Message::Pong(_))) => {
                        pong_is_due = false;
                        None
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => Some(End::Client),
                    Some(Ok(_)) => Some(End::Close(4001)),
                },
            };
            if let Some(end) = ended {
                return end;
            }
        }
    }

    async fn run_command(&mut self, command: Option<Command>, due: &mut Deadlines) -> Option<End> {
        match command {
            Some(Command::Send(frame)) => {
                due.keepalive = Instant::now() + self.keepalive;
                self.text(frame).await
            }
            Some(Command::Reconnect(frame)) => {
                due.reconnect = Some(Instant::now() + self.shared.config.limits.reconnect_grace);
                self.text(frame).await
            }
            Some(Command::Silence) => {
                self.silent = true;
                None
            }
            Some(Command::Close(code)) => Some(End::Close(code)),
            Some(Command::Drop) | None => Some(End::Drop),
        }
    }

    /// Sends a frame. If the client does not accept it in time, the socket ends.
    async fn text(&mut self, frame: ByteString) -> Option<End> {
        if self.silent {
            return None;
        }
        match timeout(SEND_TIMEOUT, self.session.text(frame)).await {
            Ok(Ok(())) => None,
            Ok(Err(_)) => Some(End::Client),
            Err(_) => Some(End::Close(4005)),
        }
    }
}

/// Waits until this moment, or forever if there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// Sends the close frame, and waits until the client has answered or the timeout has passed.
async fn close(session: actix_ws::Session, mut stream: actix_ws::MessageStream, code: u16) {
    let description = match code {
        4000 => "internal server error",
        4001 => "sent inbound traffic",
        4002 => "failed ping pong",
        4003 => "connection unused",
        4004 => "client reconnect grace time expired",
        4005 => "network timeout",
        4006 => "network error",
        4007 => "invalid reconnect attempt",
        _ => "",
    };
    let reason = CloseReason { code: CloseCode::Other(code), description: Some(description.to_owned()) };
    let goodbye = async {
        if session.close(Some(reason)).await.is_ok() {
            while let Some(Ok(_)) = stream.recv().await {}
        }
    };
    // A disconnected client cannot be notified, and a blocked one must not delay this task.
    let _ = timeout(CLOSE_TIMEOUT, goodbye).await;
}
