//! A simulated crowd in one channel that votes by its mood and chats between votes.
//!
//! Its messages are a deterministic sequence, [`script::Script`]: the same seed gives the same chatters, texts and
//! delays. This module sends that sequence in real time.

pub(crate) mod mood;
pub(crate) mod phrase;
pub(crate) mod script;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use script::{Script, Turn};
use tokio_util::sync::CancellationToken;

use crate::chat::line::{Badge, ChatLine, Chatter, Parent};
use crate::shared::Shared;

/// Number of recent messages that can be answered.
pub(crate) const MEMORY: usize = 8;

/// Configuration of a crowd.
#[derive(Debug, Clone)]
pub struct CrowdConfig {
    /// User id of its channel.
    pub channel: String,
    /// Number of chatters, at least one.
    pub chatters: usize,
    /// Average number of messages per second.
    pub messages_per_second: f64,
    /// Random seed; the same seed gives the same messages.
    pub seed: u64,
    /// Pairs of a word for and a word against. Most votes use the first pair.
    pub words: Vec<(String, String)>,
    /// User id of another channel in a Shared Chat session; some messages are copies from there.
    pub partner: String,
}

impl Default for CrowdConfig {
    fn default() -> Self {
        let pair = |in_favor: &str, against: &str| (in_favor.to_owned(), against.to_owned());
        Self {
            channel: "1971641".to_owned(),
            chatters: 60,
            messages_per_second: 3.0,
            seed: 1,
            words: vec![pair("yes", "no"), pair("1", "2"), pair("PogChamp", "NotLikeThis")],
            partner: "112233".to_owned(),
        }
    }
}

impl CrowdConfig {
    /// Returns the default crowd for this channel.
    pub fn in_channel(channel: impl Into<String>) -> Self {
        Self { channel: channel.into(), ..Self::default() }
    }
}

/// A running crowd. Dropping this does not stop it; [`Crowd::stop`] and [`crate::Sim::stop`] do.
#[derive(Debug)]
pub struct Crowd {
    stop: CancellationToken,
    said: Arc<AtomicU64>,
}

impl Crowd {
    pub(crate) fn start(shared: &Arc<Shared>, config: CrowdConfig) -> Self {
        let crowd = Self { stop: CancellationToken::new(), said: Arc::default() };
        let chatting = chat(Arc::clone(shared), config, Arc::clone(&crowd.said));
        let stop = crowd.stop.clone();
        shared.spawn(async move {
            stop.run_until_cancelled_owned(chatting).await;
        });
        crowd
    }

    /// Stops the crowd. A message that is being delivered may still arrive.
    pub fn stop(self) {
        self.stop.cancel();
    }

    /// Returns the number of messages sent so far, whether or not anything read them.
    pub fn lines_said(&self) -> u64 {
        self.said.load(Ordering::Relaxed)
    }
}

async fn chat(shared: Arc<Shared>, config: CrowdConfig, said: Arc<AtomicU64>) {
    let cast = cast(config.chatters.max(1));
    let mut spoken: VecDeque<Parent> = VecDeque::with_capacity(MEMORY);
    for turn in Script::new(&config) {
        tokio::time::sleep(turn.after).await;
        let line = line(&turn, &config, &cast, &spoken);
        let delivered = shared.say(&line).await;
        said.fetch_add(1, Ordering::Relaxed);
        // A reply names the message id in its own channel, which for a copy differs from the original's id.
        let message_id = delivered.shared_ids.into_iter().next().unwrap_or(delivered.message_id);
        spoken.truncate(MEMORY - 1);
        spoken.push_front(Parent { message_id, text: line.text, chatter: line.chatter });
    }
}

fn line(turn: &Turn, config: &CrowdConfig, cast: &[Chatter], spoken: &VecDeque<Parent>) -> ChatLine {
    let chatter = cast[turn.chatter % cast.len()].clone();
    let typed_in = if turn.from_partner { &config.partner } else { &config.channel };
    let mut line = ChatLine::new(typed_in, chatter, &turn.text).repeated(turn.repeats);
    line.action = turn.action;
    line.reply_to = turn.reply_to.and_then(|back| spoken.get(back - 1)).cloned();
    if turn.from_partner {
        line.shared_with.push(config.channel.clone());
    }
    line
}

const FIRST: [&str; 16] = [
    "Turbo", "Sleepy", "Pixel", "Salty", "Cosmic", "Quiet", "Mega", "Lucky", "Retro", "Sneaky", "Fluffy",
    "Spicy", "Frozen", "Tiny", "Golden", "Chill",
];
const SECOND: [&str; 15] = [
    "Otter", "Badger", "Waffle", "Comet", "Pickle", "Falcon", "Noodle", "Goblin", "Panda", "Muffin", "Raven",
    "Toaster", "Gecko", "Walrus", "Biscuit",
];
const COLORS: [&str; 8] = ["#1E90FF", "#FF69B4", "#00FF7F", "#FF4500", "#9ACD32", "#8A2BE2", "#DAA520", ""];

/// Returns `count` different chatters, always the same ones.
pub(crate) fn cast(count: usize) -> Vec<Chatter> {
    (0..count).map(person).collect()
}

fn person(index: usize) -> Chatter {
    // Every pair of names occurs once before the first repeats, because 16 + 1 and 15 have no common divisor. After
    // that, numbers distinguish them.
    let first = FIRST[index % FIRST.len()];
    let second = SECOND[(index + index / FIRST.len()) % SECOND.len()];
    let pairs = FIRST.len() * SECOND.len();
    let number = if index < pairs { String::new() } else { (index / pairs + 1).to_string() };
    let name = format!("{first}{second}{number}");
    Chatter {
        id: (700_000_001 + index).to_string(),
        login: name.to_lowercase(),
        name,
        color: COLORS[index % COLORS.len()].to_owned(),
        badges: badges(index),
    }
}

fn badges(index: usize) -> Vec<Badge> {
    match index % 10 {
        1 => vec![Badge::new("moderator", "1", "")],
        2 => vec![Badge::new("vip", "1", "")],
        3 | 4 => vec![Badge::new("subscriber", "12", "16")],
        5 => vec![Badge::new("subscriber", "3", "4")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_shares_a_name_or_an_id() {
        let cast = cast(1_000);
        let names: BTreeSet<&str> = cast.iter().map(|chatter| &*chatter.login).collect();
        let ids: BTreeSet<&str> = cast.iter().map(|chatter| &*chatter.id).collect();
        assert_eq!((names.len(), ids.len()), (1_000, 1_000));
    }
}
