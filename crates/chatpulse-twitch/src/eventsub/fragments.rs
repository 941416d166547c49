//! How Twitch takes a chat message apart. Source: EventSub reference, `channel.chat.message` v1, `message.fragments`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Endings of an emote's name and id for its variants: black and white, horizontally flipped, sunglasses, squished,
/// thinking. Source: Twitch, "Emote modifiers".
const MODIFIERS: [&str; 5] = ["_BW", "_HF", "_SG", "_SQ", "_TK"];

#[derive(Debug, Deserialize)]
struct Fragment<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    emote: Option<Emote<'a>>,
}

#[derive(Debug, Deserialize)]
struct Emote<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
}

impl Fragment<'_> {
    /// As text without cheers, and with the emote for each of its variants.
    fn plain(&self) -> &str {
        let text = self.text.as_deref().unwrap_or_default();
        match (self.kind.as_deref(), &self.emote) {
            // Something stood here: the words on both sides stay apart.
            (Some("cheermote"), _) => " ",
            (Some("emote"), Some(emote)) => without_modifiers(text, emote.id.as_deref().unwrap_or_default()),
            _ => text,
        }
    }
}

fn without_modifiers<'a>(mut text: &'a str, mut id: &str) -> &'a str {
    let shorter = |text: &'a str, id| {
        MODIFIERS.iter().find_map(|end| Some((text.strip_suffix(end)?, str::strip_suffix(id, end)?)))
    };
    while let Some((emote, emote_id)) = shorter(text, id).filter(|(emote, _)| !emote.is_empty()) {
        (text, id) = (emote, emote_id);
    }
    text
}

/// The message without cheers, and with the emote for each of its variants; `None` where it has neither. Fragments that
/// cannot be read are no reason to lose a vote, so they count as none.
pub(super) fn plain_text(fragments: &RawValue) -> Option<String> {
    let fragments: Vec<Fragment<'_>> = serde_json::from_str(fragments.get()).ok()?;
    let is_changed =
        |fragment: &Fragment<'_>| fragment.text.as_deref().unwrap_or_default() != fragment.plain();
    fragments.iter().any(is_changed).then(|| fragments.iter().map(Fragment::plain).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(fragments: &serde_json::Value) -> Option<String> {
        plain_text(&serde_json::value::to_raw_value(fragments).unwrap())
    }

    fn emote(text: &str, id: &str) -> serde_json::Value {
        json!({ "type": "emote", "text": text, "emote": { "id": id, "emote_set_id": "1" } })
    }

    #[test]
    fn cheers_are_left_out_wherever_they_stand() {
        let cheer = json!({ "type": "cheermote", "text": "Cheer100", "cheermote": { "prefix": "cheer", "bits": 100, "tier": 100 } });
        let text = |text: &str| json!({ "type": "text", "text": text, "cheermote": null, "emote": null });
        assert_eq!(plain(&json!([cheer, text(" yes")])).unwrap().trim(), "yes");
        assert_eq!(plain(&json!([text("yes "), cheer])).unwrap().trim(), "yes");
        assert_eq!(
            plain(&json!([text("ye"), cheer, text("s")])),
            Some("ye s".to_owned()),
            "words stay apart"
        );
        assert_eq!(plain(&json!([text("Cheer100 yes")])), None, "typed where bits are off: just a word");
    }

    #[test]
    fn a_variant_of_an_emote_is_the_emote() {
        assert_eq!(plain(&json!([emote("Kappa_HF", "25_HF")])), Some("Kappa".to_owned()));
        for modifier in MODIFIERS {
            let fragment = emote(&format!("Kappa{modifier}"), &format!("emotesv2_1{modifier}"));
            assert_eq!(plain(&json!([fragment])), Some("Kappa".to_owned()), "{modifier}");
        }
        for other in [
            emote("Kappa_HF", "25"),
            emote("Kappa_HF", "25_BW"),
            emote("Kappa", "25_HF"),
            emote("Kappa_XX", "25_XX"),
            emote("_HF", "25_HF"),
            json!({ "type": "emote", "text": "Kappa_HF" }),
            json!({ "type": "text", "text": "Kappa_HF", "emote": { "id": "25_HF" } }),
        ] {
            assert_eq!(plain(&json!([other])), None, "{other}");
        }
    }

    #[test]
    fn fragments_that_cannot_be_read_change_nothing() {
        for odd in [
            json!(null),
            json!([]),
            json!({}),
            json!("x"),
            json!([null]),
            json!([{ "type": 7 }]),
            json!([{ "type": "hologram" }]),
        ] {
            assert_eq!(plain(&odd), None, "{odd}");
        }
    }
}
