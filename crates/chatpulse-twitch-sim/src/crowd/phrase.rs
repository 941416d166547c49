//! Texts of messages: votes in all spellings, small talk, and laughter.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// Messages that are not votes, although some resemble one.
const SMALL_TALK: &[&str] = &[
    "hi chat",
    "what game is this?",
    "gg",
    "first time here, love the stream",
    "no way that just happened",
    "yes and no",
    "wait what",
    "is the music from the game?",
    "lag?",
    "that was so close Kreygasm",
    "Kappa",
    "not like this NotLikeThis",
    "he is going the wrong way",
    "chat is wild today",
    "good morning from Lisbon",
    "how long is the stream today?",
    "who voted no??",
    "i would say yes but i am not sure",
    "brb getting snacks",
    "SeemsGood SeemsGood",
    "the boss has a second phase",
    "HeyGuys hello everyone",
    "そこだ!",
    "классный момент",
    "das war knapp",
    "¿qué está pasando?",
    "🎉🎉🎉",
    "lets gooo",
    "I can't watch",
    "someone clip that",
    "123",
    "noooo",
    "yesss",
];

const LAUGHTER: &[&str] = &[
    "LUL",
    "LUL LUL LUL",
    "😂",
    "😂😂😂",
    "hahaha",
    "HAHAHAHA",
    "lmao",
    "I can't breathe LUL",
    "KEKW",
    "KEKW KEKW",
    "BibleThump",
    "he did NOT just say that",
    "xD",
    "clip it!!",
];

/// Invisible characters that chat clients append so that the same text can be sent twice in a row.
const INVISIBLE: [char; 2] = ['\u{34F}', '\u{E0000}'];

pub(crate) fn small_talk(rng: &mut impl Rng) -> String {
    pick(SMALL_TALK, rng)
}

pub(crate) fn laughter(rng: &mut impl Rng) -> String {
    pick(LAUGHTER, rng)
}

/// Returns a vote as a chatter types it, mostly just the word.
pub(crate) fn vote(word: &str, rng: &mut impl Rng) -> String {
    match rng.random_range(0..100) {
        0..8 => word.to_uppercase(),
        8..14 => capitalized(word),
        14..17 => format!(" {word}"),
        17..20 => format!("{word}  "),
        _ => word.to_owned(),
    }
}

/// Returns the text for a second message. Twitch rejects identical messages, so clients append an invisible character.
pub(crate) fn repeated(text: &str, rng: &mut impl Rng) -> String {
    format!("{text} {}", INVISIBLE[rng.random_range(0..INVISIBLE.len())])
}

fn pick(lines: &[&str], rng: &mut impl Rng) -> String {
    lines.choose(rng).copied().unwrap_or_default().to_owned()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}
