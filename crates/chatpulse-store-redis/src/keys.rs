//! The keys in Redis; `lua/chatpulse.lua` says what each holds. The braces are literal: they are hash tags, so that all
//! keys of one session are on one cluster slot and one function may access them.

use chatpulse_domain::ids::{ChannelId, ChatterId, InstanceId, MessageId, OverlayId};
use fred::types::cluster::ClusterRouting;
use fred::types::config::Server;

/// Index of orphans, by the time when the last instance released them.
pub(crate) const DISCONNECTED: &str = "disconnected_sessions";
/// Index of sessions, by the time when an instance last refreshed them.
pub(crate) const SESSIONS: &str = "sessions";
/// Written by every probe of a server without a cluster.
pub(crate) const PROBE: &str = "probe";

/// Keys tried to find one of a node: it has one in a thousand slots at least.
pub(crate) const PROBES_MAX: u32 = 10_000;

/// The leader's lease. The value is the leader's instance id.
pub(crate) const LEADER: &str = "cleanup:leader";
/// The last fencing token; on the slot of the lease.
pub(crate) const FENCE: &str = "fence:{cleanup:leader}";
/// Shards of the conduit and the instances that have them.
pub(crate) const SHARDS: &str = "eventsub_shards";
/// Instances, by their last heartbeat.
pub(crate) const INSTANCES: &str = "instances";
/// Epochs of the instances' registrations; on the same slot.
pub(crate) const EPOCHS: &str = "instance_epochs:{instances}";

/// A key on each node, which every probe writes.
pub(crate) fn probes(routing: Option<&ClusterRouting>) -> Vec<String> {
    let Some(routing) = routing else {
        return vec![PROBE.to_owned()];
    };
    let key_of = |node: &Server| {
        let mut keys = (0..PROBES_MAX).map(|number| format!("{PROBE}:{number}"));
        keys.find(|key| routing.get_server(ClusterRouting::hash_key(key.as_bytes())) == Some(node))
    };
    routing.unique_primary_nodes().iter().filter_map(key_of).collect()
}

pub(crate) fn session(overlay: OverlayId) -> String {
    format!("session:{{{overlay}}}")
}

pub(crate) fn attached_instances(overlay: OverlayId) -> String {
    format!("ref_count:{{{overlay}}}")
}

pub(crate) fn vote_counts(overlay: OverlayId) -> String {
    format!("votes_last_minute:{{{overlay}}}")
}

pub(crate) fn rate_limit(overlay: OverlayId) -> String {
    format!("rate_limit:votes:{{{overlay}}}")
}

pub(crate) fn seen(overlay: OverlayId, message: &MessageId) -> String {
    format!("seen:{{{overlay}}}:{message}")
}

pub(crate) fn debounce(overlay: OverlayId, chatter: &ChatterId) -> String {
    format!("debounce:{{{overlay}}}:{chatter}")
}

pub(crate) fn tally(overlay: OverlayId) -> String {
    format!("tally:{{{overlay}}}")
}

pub(crate) fn voted(overlay: OverlayId, chatter: &ChatterId) -> String {
    format!("voted:{{{overlay}}}:{chatter}")
}

/// The overlay that this chat votes in.
pub(crate) fn broadcaster(broadcaster: &ChannelId) -> String {
    format!("broadcaster:{broadcaster}")
}

/// Overlays that an instance may be attached to under one registration. An instance that was declared dead and comes
/// back has another registration, so that cleaning up after the dead one removes nothing of it.
pub(crate) fn instance_sessions(instance: &InstanceId, epoch: u64) -> String {
    format!("instance_sessions:{instance}:{epoch}")
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::ids::Platform;

    use super::*;

    #[test]
    fn all_keys_of_a_session_share_its_hash_tag() {
        let overlay = OverlayId::random();
        let message = MessageId::new(Platform::Twitch, "m{1}").unwrap();
        let chatter = ChatterId::new(Platform::Twitch, "}{").unwrap();
        let keys = [
            session(overlay),
            attached_instances(overlay),
            vote_counts(overlay),
            rate_limit(overlay),
            seen(overlay, &message),
            debounce(overlay, &chatter),
            tally(overlay),
            voted(overlay, &chatter),
        ];
        let tag = format!("{{{overlay}}}");
        for key in keys {
            let start = key.find('{').unwrap();
            assert!(key[start..].starts_with(&tag), "{key}");
        }
    }

    #[test]
    fn the_keys_of_the_schema_are_as_operators_know_them() {
        let overlay: OverlayId = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff".parse().unwrap();
        assert_eq!(session(overlay), "session:{6f9619ff-8b86-4d01-b42d-00cf4fc964ff}");
        assert_eq!(broadcaster(&ChannelId::new(Platform::Twitch, "42").unwrap()), "broadcaster:42");
    }
}
