//! Where both transports meet: chat becomes a delivery, every other message is counted and handled here. A message
//! without effect is logged at most once a minute.

use std::borrow::Cow;
use std::sync::Arc;

use chatpulse_domain::ids::{SubscriptionId, TwitchUserId};
use chatpulse_domain::ports::chat_feed::ChatChannel;
use chatpulse_domain::ports::chat_sink::ChatDelivery;
use chatpulse_domain::ports::grant_sink::GrantSink;
use chatpulse_domain::throttle::Throttle;
use chatpulse_domain::time::Timestamp;
use tracing::{debug, info};

use crate::eventsub::event::{
    AUTHORIZATION_REVOKED, AnyBody, CHAT_MESSAGE, SHARD_DISABLED, chat_message, withdrawn_by,
};
use crate::eventsub::repeats::Repeats;
use crate::eventsub::signature::MessageTime;
use crate::feed::{Revocation, TwitchFeed};
use crate::twitch_clock::TwitchClock;

/// Types of messages besides chat that are counted by name, as labels of a metric. Others count as `other`.
pub(crate) const NOTIFICATION_LABELS: [&str; 11] = [
    SHARD_DISABLED,
    "user.authorization.grant",
    AUTHORIZATION_REVOKED,
    "stream.online",
    "stream.offline",
    "channel.chat.message_delete",
    "channel.chat.clear_user_messages",
    "channel.chat.clear",
    "channel.chat.notification",
    "revocation",
    "other",
];

/// A verified notification or revocation, of either transport.
pub(crate) struct Envelope<'a> {
    pub(crate) transport_id: &'a str,
    /// `None` for a malformed time; the gate refuses a webhook that has one.
    pub(crate) sent_at: Option<MessageTime>,
    /// From the metadata. A webhook may lack it; then the body has it.
    pub(crate) subscription_type: Option<&'a str>,
    /// `{"subscription":…,"event":…}`
    pub(crate) body: &'a [u8],
}

/// Why a message has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoEffect {
    Stale,
    Malformed,
    Repeated,
    UnknownType,
}

impl NoEffect {
    const fn reason(self) -> &'static str {
        match self {
            Self::Stale => {
                "its time is more than ten minutes off; check whether the clock of this machine is right"
            }
            Self::Malformed => "it cannot be read",
            Self::Repeated => "it was delivered before",
            Self::UnknownType => "its type is unknown",
        }
    }
}

/// Sorts Twitch's messages.
#[derive(Clone)]
pub struct EventRouter {
    clock: TwitchClock,
    feed: TwitchFeed,
    grants: Arc<dyn GrantSink>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    repeats: Repeats,
    /// One for each of [`NoEffect`].
    logged: [Throttle; 4],
}

impl EventRouter {
    /// News of subscriptions and shards goes to `feed`, news of users' consent to `grants`.
    pub fn new(clock: TwitchClock, feed: TwitchFeed, grants: Arc<dyn GrantSink>) -> Self {
        Self { clock, feed, grants, shared: Arc::default() }
    }

    /// Compares our clock with the time of a message that has just arrived.
    pub(crate) fn saw_time(&self, sent_at: Option<MessageTime>) {
        if let Some(sent_at) = sent_at {
            self.clock.saw(sent_at.to_timestamp());
        }
    }

    /// `Some` for chat, which belongs to the sink.
    pub(crate) fn notification(&self, envelope: &Envelope<'_>) -> Option<ChatDelivery> {
        self.saw_time(envelope.sent_at);
        let kind = match envelope.subscription_type {
            Some(kind) => Cow::Borrowed(kind),
            None => serde_json::from_slice::<AnyBody<'_>>(envelope.body)
                .map(|body| body.subscription.kind)
                .unwrap_or_default(),
        };
        if kind == CHAT_MESSAGE {
            return Some(self.chat(envelope));
        }
        let known = NOTIFICATION_LABELS.into_iter().find(|known| *known == kind);
        count(known.unwrap_or("other"));
        let no_effect = self.no_effect(envelope).or(known.is_none().then_some(NoEffect::UnknownType));
        match (no_effect, known) {
            (Some(why), _) => self.log("notification", why),
            (None, Some(SHARD_DISABLED)) => self.feed.check_shard(),
            (None, Some(AUTHORIZATION_REVOKED)) => match withdrawn_by(envelope.body) {
                Some(user) => self.grants.withdrawn(&user, self.time_of(envelope)),
                None => self.log("notification", NoEffect::Malformed),
            },
            (None, _) => debug!(kind = known, "notification"),
        }
        None
    }

    fn chat(&self, envelope: &Envelope<'_>) -> ChatDelivery {
        let is_fresh = envelope.sent_at.map(|sent_at| sent_at.is_fresh(self.clock.now()));
        let message = match is_fresh {
            Some(false) => {
                self.log("chat message", NoEffect::Stale);
                return ChatDelivery::Stale;
            }
            Some(true) => chat_message(envelope.body, envelope.transport_id),
            None => None,
        };
        message.map_or_else(
            || {
                self.log("chat message", NoEffect::Malformed);
                ChatDelivery::Malformed
            },
            ChatDelivery::Message,
        )
    }

    /// A challenge without anything to echo.
    pub(crate) fn malformed_challenge(&self) {
        count("other");
        self.log("challenge", NoEffect::Malformed);
    }

    /// Twitch ended a subscription.
    pub(crate) fn revocation(&self, envelope: &Envelope<'_>) {
        count("revocation");
        if let Some(why) = self.no_effect(envelope) {
            return self.log("revocation", why);
        }
        let Ok(AnyBody { subscription }) = serde_json::from_slice::<AnyBody<'_>>(envelope.body) else {
            return self.log("revocation", NoEffect::Malformed);
        };
        if !subscription.kind.is_empty() && subscription.kind != CHAT_MESSAGE {
            return self.log("revocation", NoEffect::UnknownType);
        }
        let user = |id: Option<&str>| TwitchUserId::new(id?).ok();
        let broadcaster = user(subscription.condition.broadcaster_user_id.as_deref());
        let (Some(broadcaster), Ok(id)) = (broadcaster, SubscriptionId::new(&subscription.id)) else {
            return self.log("revocation", NoEffect::Malformed);
        };
        let why = Revocation::from_status(&subscription.status);
        info!(broadcaster.id = %broadcaster, ?why, "Twitch ended the chat subscription of {broadcaster}");
        let bot = user(subscription.condition.user_id.as_deref()).unwrap_or_else(|| broadcaster.clone());
        let channel = ChatChannel { broadcaster: broadcaster.channel(), bot: bot.chatter() };
        self.feed.revoked(channel, id, why);
    }

    /// Why any message but chat is ignored; `None` if it is not. From now on it counts as delivered.
    fn no_effect(&self, envelope: &Envelope<'_>) -> Option<NoEffect> {
        let now = self.clock.now();
        match envelope.sent_at.map(|sent_at| sent_at.is_fresh(now)) {
            None => Some(NoEffect::Malformed),
            Some(false) => Some(NoEffect::Stale),
            Some(true) => {
                self.shared.repeats.has_seen(envelope.transport_id, now).then_some(NoEffect::Repeated)
            }
        }
    }

    fn time_of(&self, envelope: &Envelope<'_>) -> Timestamp {
        envelope.sent_at.map_or_else(|| self.clock.now(), MessageTime::to_timestamp)
    }

    fn log(&self, what: &'static str, why: NoEffect) {
        if self.shared.logged[why as usize].allows(self.clock.now()) {
            info!("ignored a {what} of Twitch: {} (logged once a minute)", why.reason());
        }
    }
}

fn count(label: &'static str) {
    metrics::counter!("eventsub_notifications_total", "type" => label).increment(1);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use chatpulse_domain::ports::chat_feed::{ChatFeed as _, Served};
    use chatpulse_domain::subscription::ChatState;
    use chatpulse_testkit::builders as build;
    use chatpulse_testkit::clock::TestClock;

    use super::*;
    use crate::feed::testing::Instance;

    const NOON: &str = "2026-09-20T12:00:00Z";
    const NOON_MS: i64 = 1_789_905_600_000;
    const REVOKED: &str = r#"{"subscription":{"id":"sub-1","status":"authorization_revoked","type":"channel.chat.message",
        "condition":{"broadcaster_user_id":"42","user_id":"7"}}}"#;

    /// Who took their consent back.
    #[derive(Default)]
    struct FakeGrants(Mutex<Vec<TwitchUserId>>);

    impl GrantSink for FakeGrants {
        fn withdrawn(&self, user: &TwitchUserId, at: Timestamp) {
            assert_eq!(at.unix_ms, NOON_MS, "when Twitch sent it, not when it arrived");
            self.0.lock().unwrap().push(user.clone());
        }
    }

    fn router(feed: &TwitchFeed, grants: &Arc<FakeGrants>) -> EventRouter {
        let clock = TwitchClock::new(Arc::new(TestClock::at(NOON_MS)));
        EventRouter::new(clock, feed.clone(), Arc::clone(grants) as _)
    }

    fn envelope<'a>(id: &'a str, body: &'a str) -> Envelope<'a> {
        Envelope {
            transport_id: id,
            sent_at: MessageTime::parse(NOON),
            subscription_type: None,
            body: body.as_bytes(),
        }
    }

    #[tokio::test]
    async fn a_revocation_that_is_sent_twice_takes_effect_once() {
        let feed = Instance::new().feed;
        let router = router(&feed, &Arc::default());
        let (streamer, bot) = (build::user("42"), build::user("7"));
        let state = async || feed.state(&streamer.channel()).await;
        router.revocation(&envelope("m-1", REVOKED));
        assert_eq!(state().await, ChatState::NotAuthorized);
        // The streamer gives consent again, and then the same message comes once more.
        feed.consent_changed(&streamer.chatter());
        let channel = ChatChannel { broadcaster: streamer.channel(), bot: bot.chatter() };
        feed.read_chat(channel, Served::Here);
        router.revocation(&envelope("m-1", REVOKED));
        assert_eq!(state().await, ChatState::Connecting);
        router.revocation(&envelope("m-2", REVOKED));
        assert_eq!(state().await, ChatState::NotAuthorized);
    }

    #[test]
    fn consent_that_is_taken_back_is_reported_once() {
        let grants = Arc::new(FakeGrants::default());
        let router = router(&Instance::new().feed, &grants);
        let revoke = r#"{"subscription":{"type":"user.authorization.revoke"},
            "event":{"client_id":"c","user_id":"42","user_login":null,"user_name":null}}"#;
        for (id, body) in [("m-1", revoke), ("m-1", revoke), ("m-2", &revoke.replace("42", ""))] {
            assert_eq!(router.notification(&envelope(id, body)), None);
        }
        assert_eq!(*grants.0.lock().unwrap(), [build::user("42")]);
    }

    #[test]
    fn a_chat_message_without_a_readable_time_is_malformed() {
        let router = router(&Instance::new().feed, &Arc::default());
        let chat = r#"{"subscription":{"type":"channel.chat.message"},
            "event":{"broadcaster_user_id":"1","chatter_user_id":"2","message":{"text":"yes"}}}"#;
        assert!(matches!(router.notification(&envelope("m", chat)), Some(ChatDelivery::Message(_))));
        let undated = Envelope { sent_at: None, ..envelope("m", chat) };
        assert_eq!(router.notification(&undated), Some(ChatDelivery::Malformed));
    }
}
