//! Values with defaults for every field that a test is not about. The test sets the others:
//!
//! ```
//! use chatpulse_domain::message::ChatMessage;
//! use chatpulse_testkit::builders as build;
//!
//! let from_ada = ChatMessage { chatter: build::chatter("ada"), ..build::message("yes") };
//! ```
//!
//! Two calls return different messages, chatters and overlays, so that no vote is a duplicate or debounced by accident.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chatpulse_domain::ids::{
    ChannelId, ChatterId, ConduitId, InstanceId, MessageId, OverlayId, Platform, StreamerId, SubscriptionId,
    TwitchUserId,
};
use chatpulse_domain::label::Label;
use chatpulse_domain::login::{BotGrant, Grant, LoginHash, LoginSession, SealedTokens, UserTokens};
use chatpulse_domain::message::ChatMessage;
use chatpulse_domain::mode::Mode;
use chatpulse_domain::overlay::{OverlaySettings, PauseState, SettingsVersion, VersionedSettings};
use chatpulse_domain::secret::Secret;
use chatpulse_domain::sentiment::DecaySpeed;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::streamer::TwitchProfile;
use chatpulse_domain::subscription::ChatSubscription;
use chatpulse_domain::time::Timestamp;
use chatpulse_domain::trigger_set::TriggerSet;
use chatpulse_domain::vote::Vote;
use chatpulse_domain::window::{Window, WindowSecs};

use crate::clock::START_MS;

/// The channel of [`message`] and [`seed`].
pub const BROADCASTER: &str = "1001";

/// A number that no other call in this process got.
fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A Twitch account by its id.
pub fn user(id: &str) -> TwitchUserId {
    TwitchUserId::new(id).unwrap()
}

/// A Twitch account that nobody else uses, not even on a shared server.
pub fn fresh_user() -> TwitchUserId {
    user(&OverlayId::random().to_string())
}

/// A channel on Twitch by its id.
pub fn channel(id: &str) -> ChannelId {
    user(id).channel()
}

/// A channel that nobody else uses, not even on a shared server.
pub fn fresh_channel() -> ChannelId {
    fresh_user().channel()
}

/// The channel of [`BROADCASTER`].
pub fn broadcaster() -> ChannelId {
    channel(BROADCASTER)
}

/// A chatter by id.
pub fn chatter(id: &str) -> ChatterId {
    ChatterId::new(Platform::Twitch, id).unwrap()
}

/// A chat line's id.
pub fn message_id(id: &str) -> MessageId {
    MessageId::new(Platform::Twitch, id).unwrap()
}

/// An instance by id.
pub fn instance(id: &str) -> InstanceId {
    InstanceId::new(id).unwrap()
}

/// A line in [`BROADCASTER`]'s chat, by a chatter who never wrote before.
pub fn message(text: &str) -> ChatMessage {
    let number = unique();
    ChatMessage {
        broadcaster: broadcaster(),
        chatter: chatter(&format!("chatter-{number}")),
        id: message_id(&format!("message-{number}")),
        text: text.to_owned(),
        plain_text: None,
        is_reply: false,
        source_broadcaster: None,
        by_moderator: false,
    }
}

/// A vote of a chatter who never voted before.
pub fn vote(overlay: OverlayId, side: Side) -> Vote {
    let number = unique();
    Vote {
        overlay,
        chatter: chatter(&format!("chatter-{number}")),
        message: message_id(&format!("message-{number}")),
        side,
    }
}

/// A session of a new overlay for [`BROADCASTER`], with default settings at version 1.
pub fn seed() -> SessionSeed {
    SessionSeed {
        overlay: OverlayId::random(),
        broadcaster: broadcaster(),
        settings: versioned(OverlaySettings::default(), 1),
    }
}

/// Settings at a version.
pub fn versioned(settings: OverlaySettings, version: u64) -> VersionedSettings {
    VersionedSettings { settings, pause_state: PauseState::default(), version: SettingsVersion(version) }
}

/// Default settings but for the speed.
pub fn settings_with_decay(per_second: f64) -> OverlaySettings {
    OverlaySettings { decay_speed: decay(per_second), ..OverlaySettings::default() }
}

/// Default settings but for the triggers.
pub fn settings_with_triggers(in_favor: &[&str], against: &[&str]) -> OverlaySettings {
    OverlaySettings {
        for_triggers: triggers(in_favor),
        against_triggers: triggers(against),
        ..OverlaySettings::default()
    }
}

/// Default settings but for the mode: a share over this window.
pub fn settings_with_share(window: Window, one_vote_each: bool) -> OverlaySettings {
    OverlaySettings { mode: Mode::Share, one_vote_each, ..OverlaySettings::default() }.over(window)
}

/// A valid window.
pub fn window(secs: u8) -> Window {
    Window::Last(WindowSecs::new(secs).unwrap())
}

/// A valid speed.
pub fn decay(per_second: f64) -> DecaySpeed {
    DecaySpeed::new(per_second).unwrap()
}

/// Valid triggers of one side.
pub fn triggers(rows: &[&str]) -> TriggerSet {
    TriggerSet::parse(rows.iter().copied()).unwrap()
}

/// A valid label.
pub fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

/// What Twitch says about the user of this name; the id is made from it.
pub fn profile(name: &str) -> TwitchProfile {
    TwitchProfile {
        id: user(&format!("id-of-{name}")),
        login: name.to_lowercase(),
        display_name: name.to_owned(),
    }
}

/// Tokens good for four hours after [`START_MS`].
pub fn tokens() -> UserTokens {
    let number = unique();
    UserTokens {
        access: Secret::new(format!("access-{number}")),
        refresh: Some(Secret::new(format!("refresh-{number}"))),
        expires_at: Timestamp::from_unix_ms(START_MS).plus(Duration::from_hours(4)),
        scopes: vec!["channel:bot".to_owned()],
    }
}

/// A finished login of the user of this name.
pub fn grant(name: &str) -> Grant {
    Grant { user: profile(name), tokens: tokens() }
}

/// Sealed bytes that nobody opens.
pub fn sealed() -> SealedTokens {
    SealedTokens(format!("sealed-{}", unique()).into_bytes())
}

/// The bot account of this name agreed at [`START_MS`].
pub fn bot_grant(name: &str) -> BotGrant {
    BotGrant {
        bot: profile(name).id,
        display_name: name.to_owned(),
        granted_at: Timestamp::from_unix_ms(START_MS),
    }
}

/// A login of a streamer with an unused hash.
pub fn login_session(streamer: StreamerId, expires_at: Timestamp) -> LoginSession {
    let (mut hash, half) = ([0; 32], OverlayId::random());
    hash[..16].copy_from_slice(half.0.as_bytes());
    LoginSession {
        hash: LoginHash(hash),
        streamer,
        expires_at,
        started_at: Some(Timestamp::from_unix_ms(START_MS)),
        browser: "Firefox on Windows".to_owned(),
    }
}

/// A record of a subscription to this chat.
pub fn subscription(broadcaster: &ChannelId) -> ChatSubscription {
    ChatSubscription {
        id: SubscriptionId::new(&format!("subscription-{}", unique())).unwrap(),
        broadcaster: broadcaster.clone(),
        bot: chatter("9000"),
        conduit: conduit("conduit-1"),
    }
}

/// A conduit by id.
pub fn conduit(id: &str) -> ConduitId {
    ConduitId::new(id).unwrap()
}
