//! Conduits, their shards, and the mapping of channels to shards.

use serde::Serialize;

use crate::eventsub::subscription::{Status, Transport};
use crate::ids::stable_hash;

/// A conduit: it holds subscriptions, and its shards deliver the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conduit {
    /// Assigned by Twitch.
    pub id: String,
    /// Client id of the owning application.
    pub client_id: String,
    /// Shards, as many as the application requested.
    pub shards: Vec<Shard>,
    /// Removed shards that still receive events; see
    /// [`Limits::dropped_shards_stay`](crate::Limits::dropped_shards_stay).
    pub dropped: Vec<Shard>,
}

/// One webhook or WebSocket of a conduit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its index in the conduit, starting at 0.
    pub id: usize,
    /// Only an enabled shard delivers events. A shard that never had a transport counts as disconnected.
    pub status: Status,
    /// `None` until the application assigns one.
    pub transport: Option<Transport>,
}

#[derive(Serialize)]
struct ShardInAnswer<'a> {
    id: String,
    status: Status,
    transport: Option<&'a Transport>,
}

impl Shard {
    fn empty(id: usize) -> Self {
        Self { id, status: Status::WebsocketDisconnected, transport: None }
    }

    pub(crate) fn in_answer(&self) -> impl Serialize {
        ShardInAnswer { id: self.id.to_string(), status: self.status, transport: self.transport.as_ref() }
    }

    /// Returns whether exactly this webhook is still assigned; a later request may have replaced it.
    pub(crate) fn has(&self, transport: &Transport) -> bool {
        self.transport.as_ref() == Some(transport)
    }
}

impl Conduit {
    pub(crate) fn new(id: String, client_id: String, shard_count: usize) -> Self {
        Self { id, client_id, shards: (0..shard_count).map(Shard::empty).collect(), dropped: Vec::new() }
    }

    /// Appends empty shards, or removes those with the highest ids.
    pub(crate) fn resize(&mut self, shard_count: usize, dropped_stay: bool) {
        let present = self.shards.len();
        let dropped = self.shards.split_off(shard_count.min(present));
        self.shards.extend((present..shard_count).map(Shard::empty));
        self.dropped.retain(|shard| shard.id >= shard_count);
        if dropped_stay {
            self.dropped.extend(dropped.into_iter().filter(|shard| shard.transport.is_some()));
        }
    }

    /// Iterates over all shards, including removed ones.
    pub(crate) fn shards_mut(&mut self) -> impl Iterator<Item = &mut Shard> {
        self.shards.iter_mut().chain(&mut self.dropped)
    }

    /// Returns the shard that delivers the events of `channel`.
    ///
    /// All events of one channel map to one shard. If that shard is disabled, one other is tried; if that one is
    /// disabled too, there is none.
    pub(crate) fn route(&self, channel: &str) -> Option<&Shard> {
        let alive = self.dropped.iter().filter(|shard| shard.status == Status::Enabled);
        let all: Vec<&Shard> = self.shards.iter().chain(alive).collect();
        let count = all.len();
        let first = usize::try_from(stable_hash(channel) % u64::try_from(count).ok()?.max(1)).ok()?;
        [first, (first + 1) % count.max(1)]
            .into_iter()
            .filter_map(|index| all.get(index).copied())
            .find(|shard| shard.status == Status::Enabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conduit(statuses: &[Status]) -> Conduit {
        let mut conduit = Conduit::new("c".to_owned(), "client".to_owned(), statuses.len());
        for (shard, status) in conduit.shards.iter_mut().zip(statuses) {
            shard.status = *status;
        }
        conduit
    }

    #[test]
    fn a_channel_always_falls_to_the_same_shard() {
        let conduit = conduit(&[Status::Enabled; 4]);
        let once = conduit.route("1971641").map(|shard| shard.id);
        assert!(once.is_some());
        assert_eq!(conduit.route("1971641").map(|shard| shard.id), once);
    }

    #[test]
    fn a_disabled_shard_has_one_stand_in() {
        let mut conduit = conduit(&[Status::Enabled; 3]);
        let first = conduit.route("1971641").unwrap().id;
        conduit.shards[first].status = Status::WebsocketDisconnected;
        let second = conduit.route("1971641").unwrap().id;
        assert_ne!(first, second);
        conduit.shards[second].status = Status::WebsocketDisconnected;
        assert_eq!(conduit.route("1971641"), None);
    }

    #[test]
    fn fewer_shards_drop_the_highest() {
        let mut conduit = conduit(&[Status::Enabled; 3]);
        conduit.resize(1, false);
        assert_eq!(conduit.shards.len(), 1);
        conduit.resize(2, false);
        assert_eq!(conduit.shards[1].transport, None);
    }

    #[test]
    fn dropped_shards_that_stay_carry_events_while_they_live() {
        let mut conduit = conduit(&[Status::Enabled; 3]);
        for shard in &mut conduit.shards {
            let session_id = shard.id.to_string();
            shard.transport =
                Some(Transport::Websocket { session_id, connected_at: None, disconnected_at: None });
        }
        conduit.resize(1, true);
        assert_eq!((conduit.shards.len(), conduit.dropped.len()), (1, 2));
        let carries = |conduit: &Conduit| {
            let mut ids: Vec<_> = (0..20).filter_map(|at| Some(conduit.route(&at.to_string())?.id)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        assert_eq!(carries(&conduit), [0, 1, 2]);
        conduit.shards_mut().last().unwrap().status = Status::WebsocketDisconnected;
        assert_eq!(carries(&conduit), [0, 1]);
        conduit.resize(3, true);
        assert_eq!(carries(&conduit), [0], "the new ones have no transport");
    }
}
