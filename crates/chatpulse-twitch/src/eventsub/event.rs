//! Decodes events: only what a vote needs, borrowed, in one pass. Unknown fields and values are ignored, optional ones
//! may be missing. Source: Twitch's EventSub reference, `channel.chat.message` v1.

use std::borrow::Cow;

use chatpulse_domain::ids::{ChannelId, ChatterId, MessageId, Platform, TwitchUserId};
use chatpulse_domain::message::ChatMessage;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::fragments::plain_text;

/// The subscription type of chat.
pub const CHAT_MESSAGE: &str = "channel.chat.message";

/// A user disconnected the application, or their account is gone.
pub(crate) const AUTHORIZATION_REVOKED: &str = "user.authorization.revoke";

/// Twitch disabled one of our shards.
pub(crate) const SHARD_DISABLED: &str = "conduit.shard.disabled";

/// `subscription` of any notification or revocation.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SubscriptionInfo<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) status: Cow<'a, str>,
    #[serde(borrow, default, rename = "type")]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) condition: ConditionInfo<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ConditionInfo<'a> {
    #[serde(borrow, default)]
    pub(crate) broadcaster_user_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) user_id: Option<Cow<'a, str>>,
}

/// Any body; only its subscription is decoded.
#[derive(Debug, Deserialize)]
pub(crate) struct AnyBody<'a> {
    #[serde(borrow, default)]
    pub(crate) subscription: SubscriptionInfo<'a>,
}

/// Both shapes of a challenge: a subscription's, and a conduit shard's, which has no `subscription`.
#[derive(Debug, Deserialize)]
pub(crate) struct ChallengeBody<'a> {
    #[serde(borrow)]
    pub(crate) challenge: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct ChatBody<'a> {
    #[serde(borrow)]
    event: ChatEvent<'a>,
}

#[derive(Debug, Deserialize)]
struct ChatEvent<'a> {
    #[serde(borrow)]
    broadcaster_user_id: Cow<'a, str>,
    #[serde(borrow)]
    chatter_user_id: Cow<'a, str>,
    #[serde(borrow, default)]
    message_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(default)]
    reply: Option<IgnoredAny>,
    #[serde(borrow, default)]
    source_broadcaster_user_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    badges: Option<Vec<Badge<'a>>>,
}

/// A badge of the chatter in this channel.
#[derive(Debug, Deserialize)]
struct Badge<'a> {
    #[serde(borrow, default)]
    set_id: Cow<'a, str>,
}

impl Badge<'_> {
    fn is_moderator(&self) -> bool {
        ["broadcaster", "moderator", "lead_moderator"].contains(&self.set_id.as_ref())
    }
}

#[derive(Debug, Deserialize)]
struct Text<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    fragments: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct AuthorizationBody<'a> {
    #[serde(borrow)]
    event: AuthorizationEvent<'a>,
}

/// Login and name are null if the account is gone.
#[derive(Debug, Deserialize)]
struct AuthorizationEvent<'a> {
    #[serde(borrow)]
    user_id: Cow<'a, str>,
}

/// Who took their consent back; `None` if the body is malformed.
pub(crate) fn withdrawn_by(body: &[u8]) -> Option<TwitchUserId> {
    let AuthorizationBody { event } = serde_json::from_slice(body).ok()?;
    TwitchUserId::new(&event.user_id).ok()
}

/// Decodes a chat notification. `transport_id` is used where the message has no id of its own.
pub(crate) fn chat_message(body: &[u8], transport_id: &str) -> Option<ChatMessage> {
    let ChatBody { event } = serde_json::from_slice(body).ok()?;
    let id = event.message_id.as_deref().filter(|id| !id.is_empty()).unwrap_or(transport_id);
    let source_broadcaster = match event.source_broadcaster_user_id.as_deref() {
        None | Some("") => None,
        Some(source) => Some(ChannelId::new(Platform::Twitch, source).ok()?),
    };
    Some(ChatMessage {
        broadcaster: ChannelId::new(Platform::Twitch, &event.broadcaster_user_id).ok()?,
        chatter: ChatterId::new(Platform::Twitch, &event.chatter_user_id).ok()?,
        id: MessageId::new(Platform::Twitch, id).ok()?,
        plain_text: event.message.fragments.and_then(plain_text),
        text: event.message.text.unwrap_or_default().into_owned(),
        is_reply: event.reply.is_some(),
        source_broadcaster,
        by_moderator: event.badges.iter().flatten().any(Badge::is_moderator),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: &str) -> Option<ChatMessage> {
        chat_message(format!(r#"{{"subscription":{{}},"event":{event}}}"#).as_bytes(), "transport-1")
    }

    #[test]
    fn a_message_is_read_with_what_it_has() {
        let message = read(
            r#"{"broadcaster_user_id":"1","chatter_user_id":"2","message_id":"m","message":{"text":"y\u0065s","fragments":[{"type":"hologram"}]},
                "reply":{"parent_message_id":"p"},"source_broadcaster_user_id":"9","message_type":"brand_new","gif":null}"#,
        )
        .unwrap();
        assert_eq!((message.text.as_str(), message.id.as_str(), message.is_reply), ("yes", "m", true));
        assert_eq!(message.source_broadcaster.unwrap().as_str(), "9");
    }

    #[test]
    fn a_moderator_is_known_by_their_badge() {
        let by_moderator = |badges: &str| {
            let event = format!(
                r#"{{"broadcaster_user_id":"1","chatter_user_id":"2","message":{{"text":"x"}},"badges":{badges}}}"#
            );
            read(&event).unwrap().by_moderator
        };
        assert!(by_moderator(r#"[{"set_id":"vip","id":"1"},{"set_id":"moderator","id":"1","info":""}]"#));
        assert!(by_moderator(r#"[{"set_id":"broadcaster"}]"#));
        assert!(!by_moderator(r#"[{"set_id":"subscriber","info":"moderator"},{}]"#));
        assert!(!by_moderator("null"));
    }

    #[test]
    fn a_message_is_read_as_twitch_takes_it_apart() {
        let message = |fragments: &str| {
            let event = format!(
                r#"{{"broadcaster_user_id":"1","chatter_user_id":"2","message":{{"text":"Cheer1 yes","fragments":{fragments}}}}}"#
            );
            read(&event).unwrap()
        };
        let cheer = message(r#"[{"type":"cheermote","text":"Cheer1"},{"type":"text","text":" yes"}]"#);
        assert_eq!((cheer.text.as_str(), cheer.plain_text.as_deref()), ("Cheer1 yes", Some("  yes")));
        for none in ["null", "[]", "[null]", "7", r#"{"a":1}"#] {
            assert_eq!(message(none).plain_text, None, "{none}");
        }
    }

    #[test]
    fn nulls_and_missing_fields_are_fine() {
        let old =
            read(r#"{"broadcaster_user_id":"1","chatter_user_id":"2","message":{"text":"yes"}}"#).unwrap();
        assert_eq!((old.id.as_str(), old.is_reply, old.source_broadcaster), ("transport-1", false, None));
        let gif = read(
            r#"{"broadcaster_user_id":"1","chatter_user_id":"2","message_id":null,"message":{},"reply":null,"source_broadcaster_user_id":null}"#,
        );
        assert_eq!(gif.unwrap().text, "");
        let null = read(r#"{"broadcaster_user_id":"1","chatter_user_id":"2","message":{"text":null}}"#);
        assert_eq!(null.unwrap().text, "");
    }

    #[test]
    fn what_is_no_chat_message_is_none() {
        for event in [
            "{}",
            "null",
            "[]",
            r#"{"broadcaster_user_id":"","chatter_user_id":"2","message":{"text":"yes"}}"#,
        ] {
            assert_eq!(read(event), None, "{event}");
        }
        assert_eq!(chat_message(b"\xff\xfe", "t"), None);
    }
}
