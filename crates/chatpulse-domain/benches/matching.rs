//! What a line of chat costs before it is known whether it is a vote: `cargo bench -p chatpulse-domain`.

use std::hint::black_box;

use chatpulse_domain::ids::{ChannelId, ChatterId, MessageId, Platform};
use chatpulse_domain::matching::Matching;
use chatpulse_domain::message::ChatMessage;
use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::trigger_set::TriggerSet;
use divan::Bencher;

/// Lines that are no vote, as chats in several languages have them.
const CHAT: &[(&str, &[&str])] = &[
    (
        "english",
        &["LUL that was so close", "how long is this run already?", "you are so good at this game wow", "gg"],
    ),
    ("german", &["das war knapp, schöner Zug", "größer geht es nicht", "warum läuft das so", "süß"]),
    ("russian", &["это было близко", "какой он молодец", "сколько уже идёт забег?", "ахахах"]),
    ("korean", &["진짜 잘한다 ㅋㅋㅋㅋ", "방금 뭐였어", "오늘 방송 몇 시까지 해요?", "대박"]),
    ("emoji", &["😂😂😂 no way", "let's go 🔥🔥", "🎉 congrats 🎉", "❤️ love it"]),
];

const VOTES: &[&str] = &["yes", "YES", "yes!!", "@Streamer yes", "yes yes yes", "no."];

fn main() {
    divan::main();
}

fn settings(matching: Matching) -> OverlaySettings {
    let rows = |words: [&str; 5]| TriggerSet::parse(words).expect("these are triggers");
    OverlaySettings {
        for_triggers: rows(["yes", "yeah", "ja", "1", "👍"]),
        against_triggers: rows(["no", "nope", "nein", "2", "👎"]),
        matching,
        ..OverlaySettings::default()
    }
}

fn messages(lines: &[&str]) -> Vec<ChatMessage> {
    let message = |text: &&str| {
        Some(ChatMessage {
            broadcaster: ChannelId::new(Platform::Twitch, "1").ok()?,
            chatter: ChatterId::new(Platform::Twitch, "2").ok()?,
            id: MessageId::new(Platform::Twitch, "3").ok()?,
            text: (*text).to_owned(),
            plain_text: None,
            is_reply: false,
            source_broadcaster: None,
            by_moderator: false,
        })
    };
    lines.iter().filter_map(message).collect()
}

fn lines_of(name: &str) -> &'static [&'static str] {
    CHAT.iter().find(|(language, _)| *language == name).map_or(VOTES, |(_, lines)| lines)
}

/// All lines of a language, each to the end of matching.
#[divan::bench(args = ["english", "german", "russian", "korean", "emoji", "votes"], consts = [true, false])]
fn match_lines<const FORGIVING: bool>(bencher: Bencher<'_, '_>, name: &str) {
    let settings = settings(if FORGIVING { Matching::Forgiving } else { Matching::Exact });
    let messages = messages(lines_of(name));
    bencher.bench(|| {
        messages.iter().filter(|message| settings.side_of(&black_box(message).vote_text()).is_some()).count()
    });
}
