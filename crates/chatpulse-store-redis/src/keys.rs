//! Every key, by name. The braces are literal: they are hash tags, so that all keys of one session lie on one
//! cluster slot and one function may touch them.

use chatpulse_domain::ids::{ChannelId, ChatterId, InstanceId, MessageId, OverlayId};

/// Overlays that nobody holds any more, by time.
pub(crate) const DISCONNECTED: &str = "disconnected_sessions";
/// Overlays that somebody may hold, by when a holder last spoke of them.
pub(crate) const SESSIONS: &str = "sessions";
/// Written by every sign of life.
pub(crate) const PROBE: &str = "probe";
/// Who leads.
pub(crate) const LEADER: &str = "cleanup:leader";
/// The last fencing token; on the leader's slot.
pub(crate) const FENCE: &str = "fence:{cleanup:leader}";
/// Which instance has which shard of the conduit.
pub(crate) const SHARDS: &str = "eventsub_shards";
/// Instances by their last heartbeat.
pub(crate) const INSTANCES: &str = "instances";
/// Which registration of theirs it is; on the same slot.
pub(crate) const EPOCHS: &str = "instance_epochs:{instances}";

pub(crate) fn session(overlay: OverlayId) -> String {
    format!("session:{{{overlay}}}")
}

pub(crate) fn holders(overlay: OverlayId) -> String {
    format!("ref_count:{{{overlay}}}")
}

pub(crate) fn counts(overlay: OverlayId) -> String {
    format!("votes_last_minute:{{{overlay}}}")
}

pub(crate) fn bucket(overlay: OverlayId) -> String {
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

/// Which overlay this chat votes in.
pub(crate) fn broadcaster(broadcaster: &ChannelId) -> String {
    format!("broadcaster:{broadcaster}")
}

/// Overlays that an instance may hold under this registration of its own. Whoever is given up for dead and comes back
/// has another, so that clearing up after the dead one takes nothing from it.
pub(crate) fn held_by(instance: &InstanceId, epoch: u64) -> String {
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
            holders(overlay),
            counts(overlay),
            bucket(overlay),
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
