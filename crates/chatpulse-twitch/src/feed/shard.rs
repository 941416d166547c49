//! This instance's shard of the conduit: where it stands, as the socket, the router and the worker tell each other.
//!
//! [`assign`] points the shard at its transport and checks that Twitch goes on delivering to it.

pub(super) mod assign;

use std::time::Duration;

use tokio::time::Instant;

/// Without a socket for so long, an instance leaves its shard to another: the same as a lease.
const LEFT_AFTER: Duration = Duration::from_secs(30);

/// Where the shard stands.
#[derive(Debug, Default)]
pub(super) struct Shard {
    state: ShardState,
    /// Something is known about it: it is assigned or checked now, whatever was planned.
    is_urgent: bool,
    /// How often a new assignment was asked for: an assignment that began earlier is not the last.
    reassignments: u64,
    /// Since when there is no socket.
    down_since: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum ShardState {
    /// No transport: the socket is not connected.
    #[default]
    Down,
    /// This transport waits to be assigned.
    ToAssign(ShardTransport),
    /// Twitch delivers to it.
    Enabled(ShardTransport),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ShardTransport {
    Socket { session_id: String },
    Webhook,
}

/// An assignment that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    transport: ShardTransport,
    reassignments: u64,
}

impl Shard {
    /// A transport is there and waits to be assigned.
    pub(super) fn connected(&mut self, transport: ShardTransport, now: Instant) {
        self.set(ShardState::ToAssign(transport), now);
    }

    pub(super) fn disconnected(&mut self, now: Instant) {
        self.set(ShardState::Down, now);
    }

    /// Twitch disabled a shard, perhaps this one.
    pub(super) fn check_now(&mut self) {
        self.is_urgent = true;
    }

    /// The transport has to be assigned once more.
    pub(super) fn assign_again(&mut self, now: Instant) {
        if let ShardState::Enabled(transport) = self.state.clone() {
            self.set(ShardState::ToAssign(transport), now);
        }
        self.is_urgent = true;
        self.reassignments += 1;
    }

    pub(super) fn begin(&self, transport: ShardTransport) -> Assignment {
        Assignment { transport, reassignments: self.reassignments }
    }

    /// Twitch accepted it. False if the socket is gone, or another assignment is due, meanwhile.
    pub(super) fn enable(
        &mut self,
        Assignment { transport, reassignments }: Assignment,
        now: Instant,
    ) -> bool {
        let is_last = self.reassignments == reassignments
            && matches!(&self.state, ShardState::ToAssign(waiting) if *waiting == transport);
        if is_last {
            self.set(ShardState::Enabled(transport), now);
        }
        is_last
    }

    fn set(&mut self, state: ShardState, now: Instant) {
        self.state = state;
        metrics::gauge!("eventsub_shard_enabled").set(if self.is_enabled() { 1.0 } else { 0.0 });
        self.down_since = (self.state == ShardState::Down).then(|| self.down_since.unwrap_or(now));
    }

    pub(super) fn state(&self) -> &ShardState {
        &self.state
    }

    pub(super) fn is_enabled(&self) -> bool {
        matches!(self.state, ShardState::Enabled(_))
    }

    /// Something about it comes before everything else: a new socket has ten seconds to become the shard.
    pub(super) fn is_pressing(&self) -> bool {
        self.is_urgent || matches!(self.state, ShardState::ToAssign(_))
    }

    pub(super) fn take_urgent(&mut self) -> bool {
        std::mem::take(&mut self.is_urgent)
    }

    /// Another instance may have our shard by now.
    pub(super) fn is_left(&self, now: Instant) -> bool {
        self.down_since.is_some_and(|since| now - since > LEFT_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(id: &str) -> ShardTransport {
        ShardTransport::Socket { session_id: id.to_owned() }
    }

    #[test]
    fn only_the_last_assignment_enables_the_shard() {
        let (mut shard, now) = (Shard::default(), Instant::now());
        shard.connected(socket("a"), now);
        let first = shard.begin(socket("a"));
        shard.connected(socket("b"), now);
        assert!(!shard.enable(first, now), "another socket came meanwhile");
        let second = shard.begin(socket("b"));
        shard.assign_again(now);
        assert!(!shard.enable(second, now), "it has to be assigned once more");
        let third = shard.begin(socket("b"));
        assert!(shard.is_pressing() && !shard.is_enabled());
        assert!(shard.enable(third, now));
        assert!(shard.is_enabled());
    }

    #[test]
    fn an_enabled_shard_that_is_assigned_again_waits_with_its_transport() {
        let (mut shard, now) = (Shard::default(), Instant::now());
        shard.connected(ShardTransport::Webhook, now);
        assert!(shard.enable(shard.begin(ShardTransport::Webhook), now));
        shard.assign_again(now);
        assert_eq!(*shard.state(), ShardState::ToAssign(ShardTransport::Webhook));
        assert!(shard.take_urgent() && !shard.take_urgent());
    }

    #[test]
    fn a_shard_without_a_socket_is_left_after_a_lease_however_often_it_is_reported_down() {
        let (mut shard, start) = (Shard::default(), Instant::now());
        shard.disconnected(start);
        shard.disconnected(start + Duration::from_secs(20));
        assert!(!shard.is_left(start + LEFT_AFTER));
        assert!(shard.is_left(start + LEFT_AFTER + Duration::from_millis(1)));
        shard.connected(socket("a"), start + LEFT_AFTER);
        assert!(!shard.is_left(start + 2 * LEFT_AFTER));
    }
}
