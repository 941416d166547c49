//! Handles the loss of a socket or a webhook: disables its shards and subscriptions and notifies the subscribers of
//! `conduit.shard.disabled`.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::eventsub::subscription::{Status, Transport};
use crate::ids::now;
use crate::shared::Shared;
use crate::world::World;

/// A shard that was disabled: the event `conduit.shard.disabled`.
#[derive(Debug, Serialize)]
pub(crate) struct ShardDisabled {
    conduit_id: String,
    shard_id: String,
    status: Status,
    transport: Option<Transport>,
}

impl Shared {
    /// Removes one socket of a session. The session ends with its last socket.
    pub(crate) async fn lose_socket(self: &Arc<Self>, session_id: &str, socket: u64, status: Status) {
        let lost = self.change(|world| world.lose_socket(session_id, socket, status));
        self.tell(lost).await;
    }

    /// Disables a webhook that failed too often. Boxed, because the notification may use webhooks again, which makes
    /// the future recursive.
    pub(crate) fn lose_webhook<'a>(self: &'a Arc<Self>, callback: &'a str) -> BoxFuture<'a, ()> {
        let status = Status::NotificationFailuresExceeded;
        Box::pin(async move {
            self.revoke(status, |subscription| subscription.transport.callback() == Some(callback)).await;
            let mine = |transport: &Transport| transport.callback() == Some(callback);
            let lost = self.change(|world| world.disable_shards(status, mine));
            self.tell(lost).await;
        })
    }

    async fn tell(self: &Arc<Self>, lost: Vec<ShardDisabled>) {
        for shard in lost {
            self.publish("conduit.shard.disabled", &shard, 0).await;
        }
    }
}

impl World {
    fn lose_socket(&mut self, session_id: &str, socket: u64, status: Status) -> Vec<ShardDisabled> {
        let Some(session) = self.sessions.get_mut(session_id) else {
            return Vec::new();
        };
        session.sockets.retain(|(number, _)| *number != socket);
        if !session.sockets.is_empty() {
            return Vec::new();
        }
        self.sessions.remove(session_id);
        for subscription in &mut self.subscriptions {
            let mine = subscription.transport.session_id() == Some(session_id);
            if mine && subscription.status == Status::Enabled {
                subscription.status = status;
                note_end(&mut subscription.transport);
            }
        }
        self.disable_shards(status, |transport| transport.session_id() == Some(session_id))
    }

    fn disable_shards(&mut self, status: Status, which: impl Fn(&Transport) -> bool) -> Vec<ShardDisabled> {
        let mut lost = Vec::new();
        for conduit in &mut self.conduits {
            let id = conduit.id.clone();
            let mine = |transport: &Option<Transport>| transport.as_ref().is_some_and(&which);
            for shard in conduit.shards_mut().filter(|shard| mine(&shard.transport)) {
                shard.status = status;
                shard.transport.as_mut().map(note_end);
                lost.push(ShardDisabled {
                    conduit_id: id.clone(),
                    shard_id: shard.id.to_string(),
                    status,
                    transport: shard.transport.clone(),
                });
            }
        }
        lost
    }
}

fn note_end(transport: &mut Transport) {
    if let Transport::Websocket { disconnected_at, .. } = transport {
        *disconnected_at = Some(now());
    }
}
