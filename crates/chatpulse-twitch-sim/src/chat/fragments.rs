//! Fragments of a message: text, emotes, and the mention at the start of a reply.

use serde::Serialize;

use crate::chat::line::Parent;

/// Global emotes with Twitch's ids.
pub(crate) const EMOTES: &[(&str, &str)] = &[
    ("Kappa", "25"),
    ("Kreygasm", "41"),
    ("BibleThump", "86"),
    ("ResidentSleeper", "245"),
    ("HeyGuys", "30259"),
    ("NotLikeThis", "58765"),
    ("SeemsGood", "64138"),
    ("LUL", "425618"),
    ("PogChamp", "305954156"),
];

/// One fragment. The joined fragments equal the text.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fragment<'a> {
    r#type: &'static str,
    text: String,
    cheermote: Option<()>,
    emote: Option<Emote>,
    mention: Option<Mention<'a>>,
    gif: Option<()>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are Twitch's own")]
struct Emote {
    id: &'static str,
    emote_set_id: &'static str,
    owner_id: &'static str,
    format: [&'static str; 1],
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are Twitch's own")]
struct Mention<'a> {
    user_id: &'a str,
    user_name: &'a str,
    user_login: &'a str,
}

impl<'a> Fragment<'a> {
    fn words(text: String) -> Self {
        Self { r#type: "text", text, cheermote: None, emote: None, mention: None, gif: None }
    }

    fn emote(name: &str, id: &'static str) -> Self {
        let emote = Emote { id, emote_set_id: "0", owner_id: "0", format: ["static"] };
        Self { r#type: "emote", emote: Some(emote), ..Self::words(name.to_owned()) }
    }

    fn mention(parent: &'a Parent) -> Self {
        let who = &parent.chatter;
        let mention = Mention { user_id: &who.id, user_name: &who.name, user_login: &who.login };
        Self { r#type: "mention", mention: Some(mention), ..Self::words(format!("@{}", who.name)) }
    }
}

/// Splits `text` into fragments. In a reply, the leading name becomes a mention.
pub(crate) fn split<'a>(text: &str, reply_to: Option<&'a Parent>) -> Vec<Fragment<'a>> {
    let mut fragments = Vec::new();
    let mut rest = text;
    if let Some(parent) = reply_to
        && let Some(after) = text.strip_prefix(&format!("@{}", parent.chatter.name))
    {
        fragments.push(Fragment::mention(parent));
        rest = after;
    }
    let mut words = String::new();
    for piece in rest.split_inclusive(' ') {
        let word = piece.trim_end_matches(' ');
        let Some((name, id)) = EMOTES.iter().find(|(name, _)| *name == word) else {
            words.push_str(piece);
            continue;
        };
        if !words.is_empty() {
            fragments.push(Fragment::words(std::mem::take(&mut words)));
        }
        fragments.push(Fragment::emote(name, id));
        words.push_str(&piece[word.len()..]);
    }
    if !words.is_empty() {
        fragments.push(Fragment::words(words));
    }
    fragments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::line::Chatter;

    fn shape<'a>(fragments: &'a [Fragment<'_>]) -> Vec<(&'a str, &'a str)> {
        fragments.iter().map(|fragment| (fragment.r#type, &*fragment.text)).collect()
    }

    #[test]
    fn emotes_stand_alone_and_spaces_stay() {
        let fragments = split("nice  Kappa LUL  yes", None);
        let expected =
            [("text", "nice  "), ("emote", "Kappa"), ("text", " "), ("emote", "LUL"), ("text", "  yes")];
        assert_eq!(shape(&fragments), expected);
    }

    #[test]
    fn a_reply_starts_with_a_mention() {
        let parent =
            Parent { message_id: "1".into(), text: "yes or no?".into(), chatter: Chatter::named("Streamer") };
        let fragments = split("@Streamer yes", Some(&parent));
        assert_eq!(shape(&fragments), [("mention", "@Streamer"), ("text", " yes")]);
    }

    #[test]
    fn no_text_has_no_fragments() {
        assert_eq!(split("", None), []);
    }
}
