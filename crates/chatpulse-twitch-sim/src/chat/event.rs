//! `channel.chat.message` in Twitch's format, with keys in the order of the live service.

use serde::Serialize;

use crate::chat::fragments::{self, Fragment};
use crate::chat::line::{Badge, ChatLine, Parent};
use crate::config::SimUser;

/// The event of one message in one channel.
#[derive(Debug, Serialize)]
pub(crate) struct ChatEvent<'a> {
    broadcaster_user_id: &'a str,
    broadcaster_user_login: &'a str,
    broadcaster_user_name: &'a str,
    source_broadcaster_user_id: Option<&'a str>,
    source_broadcaster_user_login: Option<&'a str>,
    source_broadcaster_user_name: Option<&'a str>,
    chatter_user_id: &'a str,
    chatter_user_login: &'a str,
    chatter_user_name: &'a str,
    message_id: &'a str,
    source_message_id: Option<&'a str>,
    is_source_only: Option<bool>,
    message: Message<'a>,
    color: &'a str,
    badges: Vec<Badge>,
    source_badges: Option<Vec<Badge>>,
    message_type: &'static str,
    cheer: Option<()>,
    reply: Option<Reply<'a>>,
    channel_points_custom_reward_id: Option<()>,
    channel_points_animation_id: Option<()>,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    text: String,
    fragments: Vec<Fragment<'a>>,
}

#[derive(Debug, Serialize)]
struct Reply<'a> {
    parent_message_id: &'a str,
    parent_message_body: &'a str,
    parent_user_id: &'a str,
    parent_user_name: &'a str,
    parent_user_login: &'a str,
    thread_message_id: &'a str,
    thread_user_id: &'a str,
    thread_user_name: &'a str,
    thread_user_login: &'a str,
}

/// The source channel of a shared message, and the message's id there.
pub(crate) struct Source<'a> {
    pub(crate) channel: &'a SimUser,
    pub(crate) message_id: &'a str,
}

/// Builds the event of `line` for `channel`. Badges are those of the channel where it was typed.
pub(crate) fn chat_event<'a>(
    line: &'a ChatLine,
    channel: &'a SimUser,
    message_id: &'a str,
    source: Option<&Source<'a>>,
) -> ChatEvent<'a> {
    let badges = badges(line);
    let (badges, source_badges) = if source.is_some() { (Vec::new(), Some(badges)) } else { (badges, None) };
    ChatEvent {
        broadcaster_user_id: &channel.id,
        broadcaster_user_login: &channel.login,
        broadcaster_user_name: &channel.display_name,
        source_broadcaster_user_id: source.map(|source| &*source.channel.id),
        source_broadcaster_user_login: source.map(|source| &*source.channel.login),
        source_broadcaster_user_name: source.map(|source| &*source.channel.display_name),
        chatter_user_id: &line.chatter.id,
        chatter_user_login: &line.chatter.login,
        chatter_user_name: &line.chatter.name,
        message_id,
        source_message_id: source.map(|source| source.message_id),
        is_source_only: (!line.shared_with.is_empty()).then_some(false),
        message: message(line),
        color: &line.chatter.color,
        badges,
        source_badges,
        message_type: "text",
        cheer: None,
        reply: line.reply_to.as_ref().map(reply),
        channel_points_custom_reward_id: None,
        channel_points_animation_id: None,
    }
}

/// Builds the message with Twitch's additions. The wrapper of `/me` appears only in the text.
fn message(line: &ChatLine) -> Message<'_> {
    let parent = line.reply_to.as_ref();
    let text =
        parent.map_or_else(|| line.text.clone(), |parent| format!("@{} {}", parent.chatter.name, line.text));
    let fragments = fragments::split(&text, parent);
    let text = if line.action { format!("\u{1}ACTION {text}\u{1}") } else { text };
    Message { text, fragments }
}

fn badges(line: &ChatLine) -> Vec<Badge> {
    let own = line.chatter.id == line.channel;
    let broadcaster = own.then(|| Badge::new("broadcaster", "1", ""));
    broadcaster.into_iter().chain(line.chatter.badges.iter().cloned()).collect()
}

/// Builds the reply fields. A thread starts at the message that is answered.
fn reply(parent: &Parent) -> Reply<'_> {
    Reply {
        parent_message_id: &parent.message_id,
        parent_message_body: &parent.text,
        parent_user_id: &parent.chatter.id,
        parent_user_name: &parent.chatter.name,
        parent_user_login: &parent.chatter.login,
        thread_message_id: &parent.message_id,
        thread_user_id: &parent.chatter.id,
        thread_user_name: &parent.chatter.name,
        thread_user_login: &parent.chatter.login,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::line::Chatter;

    fn streamer() -> SimUser {
        SimUser::new("1971641", "streamer", "Streamer")
    }

    #[test]
    fn keys_come_in_the_order_of_the_live_service() {
        let line = ChatLine::new("1971641", Chatter::from(&streamer()), "test 5");
        let json = serde_json::to_string(&chat_event(&line, &streamer(), "m-1", None)).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"broadcaster_user_id":"1971641","broadcaster_user_login":"streamer","#,
                r#""broadcaster_user_name":"Streamer","source_broadcaster_user_id":null,"#,
                r#""source_broadcaster_user_login":null,"source_broadcaster_user_name":null,"#,
                r#""chatter_user_id":"1971641","chatter_user_login":"streamer","#,
                r#""chatter_user_name":"Streamer","message_id":"m-1","source_message_id":null,"#,
                r#""is_source_only":null,"message":{"text":"test 5","fragments":[{"type":"text","#,
                r#""text":"test 5","cheermote":null,"emote":null,"mention":null,"gif":null}]},"#,
                r##""color":"#FF69B4","badges":[{"set_id":"broadcaster","id":"1","info":""}],"##,
                r#""source_badges":null,"message_type":"text","cheer":null,"reply":null,"#,
                r#""channel_points_custom_reward_id":null,"channel_points_animation_id":null}"#,
            )
        );
    }

    #[test]
    fn me_wraps_the_text_and_not_the_fragments() {
        let line = ChatLine::new("1971641", Chatter::named("Ada"), "votes yes").action();
        let event = serde_json::to_value(chat_event(&line, &streamer(), "m-1", None)).unwrap();
        assert_eq!(event["message"]["text"], "\u{1}ACTION votes yes\u{1}");
        assert_eq!(event["message"]["fragments"][0]["text"], "votes yes");
    }

    #[test]
    fn a_shared_copy_names_its_source() {
        let partner = SimUser::new("112233", "partner", "Partner");
        let mut chatter = Chatter::named("Ada");
        chatter.badges.push(Badge::new("subscriber", "3", "3"));
        let line = ChatLine::new("112233", chatter, "vote no").shared_with("1971641");
        let source = Source { channel: &partner, message_id: "m-0" };
        let streamer = streamer();
        let copy = serde_json::to_value(chat_event(&line, &streamer, "m-1", Some(&source))).unwrap();
        assert_eq!(copy["source_broadcaster_user_id"], "112233");
        assert_eq!(copy["source_message_id"], "m-0");
        assert_eq!(copy["is_source_only"], false);
        assert_eq!(copy["badges"], serde_json::json!([]));
        assert_eq!(copy["source_badges"][0]["set_id"], "subscriber");
    }
}
