//! WebSocket sessions: the state that Twitch keeps while their sockets are open.
//!
//! A session usually has one socket. During a reconnect it briefly has two, and both receive every event, so clients
//! must drop duplicates.

use std::time::Duration;

use bytestring::ByteString;
use tokio::sync::mpsc;
use tracing::debug;

use crate::eventsub::message;
use crate::ids::now;
use crate::world::World;

/// Queue length of one socket: about one second of a very busy channel. Publishers wait when it is full.
pub(crate) const FRAMES_MAX: usize = 1_024;

/// A client that accepts no data for this long is disconnected.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// Commands to the task of a socket.
#[derive(Debug)]
pub(crate) enum Command {
    /// Send this frame.
    Send(ByteString),
    /// Send this reconnect message and start the reconnect timeout.
    Reconnect(ByteString),
    /// Close with this code.
    Close(u16),
    /// Break the connection without a close frame.
    Drop,
    /// Stay open and send nothing, like a connection whose peer has died.
    Silence,
}

/// Sender to one open socket.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    commands: mpsc::Sender<Command>,
}

impl Outbox {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, inbox) = mpsc::channel(FRAMES_MAX);
        (Self { commands }, inbox)
    }

    /// Queues a frame, and waits while the queue is full. Returns false if the socket is gone.
    pub(crate) async fn send(&self, frame: ByteString) -> bool {
        let sent = self.commands.send_timeout(Command::Send(frame), SEND_TIMEOUT).await;
        if let Err(error) = &sent {
            debug!("a frame found no socket: {error}");
        }
        sent.is_ok()
    }

    /// Queues any command except a frame, without waiting. A socket with a full queue is disconnected soon anyway.
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
    /// Open sockets, oldest first, each with its own number.
    pub(crate) sockets: Vec<(u64, Outbox)>,
    /// Token that the reconnect URL must contain; it works once.
    pub(crate) handover: Option<String>,
    /// The user whose token created the first direct subscription; other users are rejected.
    pub(crate) owner: Option<String>,
}

impl Session {
    pub(crate) fn outboxes(&self) -> impl Iterator<Item = &Outbox> {
        self.sockets.iter().map(|(_, outbox)| outbox)
    }
}

/// What a new socket needs: its session, its number, the keepalive interval and the first frame.
pub(crate) struct Place {
    pub(crate) session_id: String,
    pub(crate) number: u64,
    pub(crate) keepalive_secs: u64,
    pub(crate) welcome: ByteString,
}

impl World {
    /// Starts a session with its first socket.
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

    /// Adds a second socket to a session that was asked to reconnect. Returns `None` if it was not asked, or if it has
    /// ended because the client closed the old socket first.
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
