//! Faults of WebSocket connections. The methods that cause one affect every open socket and return the number of
//! sockets.

use crate::Sim;
use crate::eventsub::message;
use crate::eventsub::session::{Command, Session};

impl Sim {
    /// Returns the ids of the connected sessions.
    pub fn sessions(&self) -> Vec<String> {
        self.shared.read(|world| world.sessions.keys().cloned().collect())
    }

    /// Returns the number of open sockets; a session that is reconnecting has two.
    pub fn open_sockets(&self) -> usize {
        self.shared.read(|world| world.sessions.values().flat_map(Session::outboxes).count())
    }

    /// Sends a reconnect message to every session, as Twitch does before it stops a server.
    pub fn force_reconnect(&self) -> usize {
        let base = self.eventsub_ws_url();
        self.shared.change(|world| {
            let ids = &mut world.ids;
            for (id, session) in &mut world.sessions {
                let challenge = ids.uuid();
                let url = format!("{base}?challenge={challenge}&id={id}");
                let frame = message::reconnect(&ids.uuid(), id, session, &url);
                session.handover = Some(challenge);
                if let Some((_, newest)) = session.sockets.last() {
                    newest.order(Command::Reconnect(frame));
                }
            }
            world.sessions.len()
        })
    }

    /// Closes every socket with this code, 4000 to 4007.
    pub fn close_sockets(&self, code: u16) -> usize {
        self.order_sockets(|| Command::Close(code))
    }

    /// Breaks the connections without a close frame.
    pub fn drop_sockets(&self) -> usize {
        self.order_sockets(|| Command::Drop)
    }

    /// Stops all frames on the open sockets, both events and keepalives. Sockets opened later are not affected.
    pub fn silence_sockets(&self) -> usize {
        self.order_sockets(|| Command::Silence)
    }

    fn order_sockets(&self, command: impl Fn() -> Command) -> usize {
        self.shared.read(|world| {
            let sockets = world.sessions.values().flat_map(Session::outboxes);
            sockets.map(|outbox| outbox.order(command())).count()
        })
    }
}
