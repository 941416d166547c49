//! WebSocket sessions: what Twitch knows of them while their sockets are open.
//!
//! A session usually has one socket. During a reconnect it has two for a moment, and both get
//! every event, so clients must drop what they saw already.

use std::time::Duration;

use bytestring::ByteString;
use tokio::sync::mpsc;
use tracing::debug;

use crate::eventsub::message;
use crate::ids::now;
use crate::world::World;

/// Frames waiting for one socket: a second of a very busy channel, then publishers wait.
pub(crate) const FRAMES_MAX: usize = 1_024;

/// A client that takes nothing for so long is cut off.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// What the task of a socket can be told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Send this frame.
    Send(ByteString),
    /// Send this reconnect message; the time to come back starts.
    Reconnect(ByteString),
    /// Close with this code.
    Close(u16),
    /// Break the connection without a close frame.
    Drop,
    /// Stay open and say nothing any more, as a connection whose other end died.
    Silence,
}

/// The way to one open socket.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    commands: mpsc::Sender<Command>,
}

impl Outbox {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, inbox) = mpsc::channel(FRAMES_MAX);
        (Self { commands }, inbox)
    }

    /// Hands over a frame, and waits while the queue is full. False when the socket is gone.
    pub(crate) async fn send(&self, frame: ByteString) -> bool {
        let sent = self.commands.send_timeout(Command::Send(frame), SEND_TIMEOUT).await;
        if let Err(error) = &sent {
            debug!("a frame found no socket: {error}");
        }
        sent.is_ok()
    }

    /// Hands over anything but a frame. A socket with a full queue is cut off soon anyway.
    pub(crate) fn order(&self, command: Command) {
        if let Err(error) = self.commands.try_send(command) {
            debug!("a socket could not be told: {error}");
        }
    }
}

/// A session and its open sockets.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connected_at: String,
    pub(crate) keepalive_secs: u64,
    /// Oldest first, each with a number of its own.
    pub(crate) sockets: Vec<(u64, Outbox)>,
    /// What the reconnect address must carry; works once.
    pub(crate) handover: Option<String>,
    /// The user whose token made the first direct subscription; others are refused.
    pub(crate) owner: Option<String>,
}

impl Session {
    pub(crate) fn outboxes(&self) -> impl Iterator<Item = &Outbox> {
        self.sockets.iter().map(|(_, outbox)| outbox)
    }
}

/// A socket's place in a session.
pub(crate) struct Place {
    pub(crate) session_id: String,
    pub(crate) number: u64,
    pub(crate) keepalive_secs: u64,
    pub(crate) welcome: ByteString,
}

impl World {
    /// A new session with its first socket.
    pub(crate) fn start_session(&mut self, keepalive_secs: u64, outbox: Outbox) -> Place {
        let session_id = self.ids.session();
        let session = Session {
            connected_at: now(),
            keepalive_secs,
            sockets: vec![(0, outbox)],
            handover: None,
            owner: None,
        };
        let welcome = message::welcome(&self.ids.uuid(), &session_id, &session);
        self.sessions.insert(session_id.clone(), session);
        Place { session_id, number: 0, keepalive_secs, welcome }
    }

    /// A second socket for a session that was asked to reconnect; none when it was not asked, or
    /// is gone because the client closed the old socket first.
    pub(crate) fn resume_session(
        &mut self,
        session_id: &str,
        challenge: &str,
        outbox: Outbox,
    ) -> Option<Place> {
        let message_id = self.ids.uuid();
        let session = self.sessions.get_mut(session_id)?;
        session.handover.take_if(|expected| expected == challenge)?;
        let number = session.sockets.iter().map(|(number, _)| number + 1).max().unwrap_or_default();
        session.sockets.push((number, outbox));
        let welcome = message::welcome(&message_id, session_id, session);
        let (session_id, keepalive_secs) = (session_id.to_owned(), session.keepalive_secs);
        Some(Place { session_id, number, keepalive_secs, welcome })
    }
}
