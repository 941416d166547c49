//! The WebSocket of one overlay: send the newest frame, keep a heartbeat, detect slow and disconnected clients.
//!
//! Start with [`OverlaySocket::run`]: it ends with exactly one reason, and closes with the code of that reason.

use std::io::ErrorKind;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_ws::{CloseCode, CloseReason, Message, MessageStream, ProtocolError, Session};
use chatpulse_broadcast::frame::Frames;
use chatpulse_broadcast::handle::Watching;
use chatpulse_domain::overlay::SettingsVersion;
use chatpulse_engine::sessions::OpenOverlay;
use futures_util::StreamExt as _;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::guard::limits::Place;

const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_mins(1);
/// A client is slow if a write is blocked for this long.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time to send a close frame, so that a blocked client delays nothing.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// Maximum time for a slow client to catch up and receive its close frame; after that TCP ends the connection
/// (`server.rs`).
const SLOW_CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Clients need to send no data; larger frames end the connection.
pub(super) const FRAME_BYTES_MAX: usize = 1_024;
const FRAMES_PER_SECOND_MAX: usize = 10;

/// Close codes and their reasons. `assets/connection.js` defines how the page handles each.
pub(super) mod closing {
    use actix_ws::CloseCode;

    pub(in super::super) const ROTATED: (CloseCode, &str) =
        (CloseCode::Other(4001), "this overlay has a new address");
    pub(in super::super) const SESSION_FULL: (CloseCode, &str) =
        (CloseCode::Other(4029), "too many overlays are open");
    pub(in super::super) const STOPPING: (CloseCode, &str) = (CloseCode::Away, "the server is restarting");
    pub(super) const SLOW: (CloseCode, &str) = (CloseCode::Other(4008), "the connection is too slow");
    pub(super) const SILENT: (CloseCode, &str) = (CloseCode::Away, "no pong for 60 s");
    pub(super) const TOO_BIG: (CloseCode, &str) = (CloseCode::Size, "frames of up to 1 KiB are taken");
    pub(super) const TOO_MANY: (CloseCode, &str) = (CloseCode::Policy, "up to 10 frames a second are taken");
    pub(super) const PROTOCOL: (CloseCode, &str) =
        (CloseCode::Protocol, "that is not the WebSocket protocol");
    pub(super) const NOT_TEXT: (CloseCode, &str) = (CloseCode::Invalid, "text frames are UTF-8");
}

pub(super) struct OverlaySocket {
    pub(super) session: Session,
    pub(super) stream: MessageStream,
    pub(super) watching: Watching,
    /// The settings version that the page was rendered from, if the client sent it.
    pub(super) version: Option<SettingsVersion>,
    pub(super) stop: CancellationToken,
    /// Closes the session when the socket ends for any reason.
    pub(super) _open: OpenOverlay,
    pub(super) _place: Place,
}

enum End {
    /// The server closes with this code.
    Close((CloseCode, &'static str)),
    /// The client closed; the server echoes its close frame.
    Closed(Option<CloseReason>),
    /// The connection is lost.
    Gone,
}

impl OverlaySocket {
    pub(super) async fn run(mut self) {
        let started = Instant::now();
        let end = self.serve().await;
        metrics::histogram!("websocket_connection_duration_seconds").record(started.elapsed());
        match end {
            End::Close(why) => {
                let patience = if why == closing::SLOW {
                    metrics::counter!("broadcaster_slow_clients_evicted_total").increment(1);
                    SLOW_CLOSE_TIMEOUT
                } else {
                    CLOSE_TIMEOUT
                };
                close(self.session, why, patience).await;
            }
            End::Closed(reason) => drop(timeout(CLOSE_TIMEOUT, self.session.close(reason)).await),
            End::Gone => {}
        }
    }

    async fn serve(&mut self) -> End {
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Heard::default();
        let first = self.watching.frames.borrow_and_update().clone();
        let mut sent = Sent { value_number: None, version: self.version.unwrap_or(first.config.0) };
        if let Err(end) = self.send_news(&first, &mut sent).await {
            return end;
        }
        loop {
            let going_on = tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(End::Close(closing::STOPPING)),
                changed = self.watching.frames.changed() => {
                    let news = self.watching.frames.borrow_and_update().clone();
                    match changed {
                        Ok(()) => self.send_news(&news, &mut sent).await,
                        // The hub dropped the session: its URL was replaced, or the server is stopping.
                        Err(_) if news.rotated => Err(End::Close(closing::ROTATED)),
                        Err(_) => Err(End::Close(closing::STOPPING)),
                    }
                }
                message = self.stream.next() => self.receive(message, &mut heard).await,
                due = ping.tick() => self.ping(due, &mut heard).await,
                () = sleep_until(heard.last_pong + PONG_WITHIN) => heard.missed_pong(),
            };
            if let Err(end) = going_on {
                return end;
            }
        }
    }

    /// Handles a frame of the client, or the end of its stream.
    async fn receive(
        &mut self,
        message: Option<Result<Message, ProtocolError>>,
        heard: &mut Heard,
    ) -> Result<(), End> {
        let message = message.ok_or(End::Gone)?.map_err(|error| protocol_error(&error))?;
        if heard.too_many(Instant::now()) {
            return Err(End::Close(closing::TOO_MANY));
        }
        match message {
            Message::Pong(_) => heard.last_pong = Instant::now(),
            Message::Ping(bytes) => self.session.pong(&bytes).await.map_err(|_| End::Gone)?,
            Message::Close(reason) => return Err(End::Closed(reason)),
            Message::Text(_) | Message::Binary(_) | Message::Continuation(_) | Message::Nop => {}
        }
        Ok(())
    }

    async fn ping(&mut self, due: Instant, heard: &mut Heard) -> Result<(), End> {
        if stood_still(due) {
            heard.last_pong = Instant::now();
        }
        if matches!(timeout(WRITE_TIMEOUT, self.session.ping(b"")).await, Ok(Ok(()))) {
            return Ok(());
        }
        metrics::counter!("websocket_ping_failures_total").increment(1);
        Err(End::Gone)
    }

    /// Sends only what changed since the last frames.
    async fn send_news(&mut self, news: &Frames, sent: &mut Sent) -> Result<(), End> {
        if news.rotated {
            return Err(End::Close(closing::ROTATED));
        }
        if sent.value_number != Some(news.value_number) {
            self.send(&news.value).await?;
            sent.value_number = Some(news.value_number);
        }
        if sent.version != news.config.0 {
            self.send(&news.config.1).await?;
            sent.version = news.config.0;
        }
        Ok(())
    }

    async fn send(&mut self, text: &bytestring::ByteString) -> Result<(), End> {
        match timeout(WRITE_TIMEOUT, self.session.text(text.clone())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Close(closing::SLOW)),
        }
    }
}

/// Returns true if this process was stalled when the timer was due. It sent no pings meanwhile, so a missing pong
/// does not count.
fn stood_still(due: Instant) -> bool {
    due.elapsed() > Duration::from_secs(1)
}

/// Maps a protocol error of the client to the end of the socket.
fn protocol_error(error: &ProtocolError) -> End {
    match error {
        ProtocolError::Overflow => End::Close(closing::TOO_BIG),
        ProtocolError::Io(error) if error.kind() == ErrorKind::InvalidData => End::Close(closing::NOT_TEXT),
        ProtocolError::Io(error) => match error.get_ref().and_then(|cause| cause.downcast_ref()) {
            Some(PayloadError::Overflow) => End::Close(closing::TOO_BIG),
            _ => End::Gone,
        },
        _ => End::Close(closing::PROTOCOL),
    }
}

/// What the client has already received.
struct Sent {
    value_number: Option<u64>,
    version: SettingsVersion,
}

/// What the client has sent.
struct Heard {
    last_pong: Instant,
    /// The arrival times of the last frames.
    times: [Option<Instant>; FRAMES_PER_SECOND_MAX],
    next: usize,
}

impl Default for Heard {
    fn default() -> Self {
        Self { last_pong: Instant::now(), times: [None; FRAMES_PER_SECOND_MAX], next: 0 }
    }
}

impl Heard {
    /// Records a frame. Returns true if more than [`FRAMES_PER_SECOND_MAX`] arrived within one second.
    fn too_many(&mut self, now: Instant) -> bool {
        let oldest = self.times[self.next].replace(now);
        self.next = (self.next + 1) % FRAMES_PER_SECOND_MAX;
        oldest.is_some_and(|oldest| now.duration_since(oldest) < Duration::from_secs(1))
    }

    /// Ends the connection of a client that has not answered a ping for [`PONG_WITHIN`].
    fn missed_pong(&mut self) -> Result<(), End> {
        if stood_still(self.last_pong + PONG_WITHIN) {
            self.last_pong = Instant::now();
            return Ok(());
        }
        metrics::counter!("websocket_idle_disconnects_total").increment(1);
        Err(End::Close(closing::SILENT))
    }
}

/// Closes a socket that was upgraded only to send a close code.
pub(super) async fn refuse(session: Session, why: (CloseCode, &'static str)) {
    close(session, why, CLOSE_TIMEOUT).await;
}

async fn close(session: Session, (code, words): (CloseCode, &'static str), patience: Duration) {
    let reason = CloseReason { code, description: Some(words.to_owned()) };
    let _ = timeout(patience, session.close(Some(reason))).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_frames_a_second_are_taken_and_eleven_are_not() {
        let start = Instant::now();
        let mut heard = Heard::default();
        assert!((0..10).all(|n| !heard.too_many(start + Duration::from_millis(n))));
        assert!(heard.too_many(start + Duration::from_millis(999)));
        let mut steady = Heard::default();
        assert!((0..100).all(|n| !steady.too_many(start + Duration::from_millis(n * 100))));
    }
}
