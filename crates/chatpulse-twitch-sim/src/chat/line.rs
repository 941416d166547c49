//! A chat message as typed by a chatter.

use serde::Serialize;

use crate::config::SimUser;
use crate::ids::stable_hash;

/// One message, typed in one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatLine {
    /// User id of the channel where it is typed.
    pub channel: String,
    /// The author.
    pub chatter: Chatter,
    /// The text, without `/me` and without the `@name` of a reply.
    pub text: String,
    /// Whether it is sent with `/me`.
    pub action: bool,
    /// The message that it answers.
    pub reply_to: Option<Parent>,
    /// Shared Chat: the other channels of the session, which receive a copy.
    pub shared_with: Vec<String>,
    /// How often each delivery is repeated with the same ids.
    pub repeats: u32,
}

/// A chatter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chatter {
    /// User id.
    pub id: String,
    /// Login name, in lower case, as used in URLs.
    pub login: String,
    /// Display name.
    pub name: String,
    /// Colour as `#RRGGBB`; empty if the chatter never chose one.
    pub color: String,
    /// Badges beside the name. The broadcaster's own badge is added automatically.
    pub badges: Vec<Badge>,
}

/// A badge beside a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Badge {
    /// Badge set, for example `subscriber`.
    pub set_id: String,
    /// Version within the set.
    pub id: String,
    /// Months, for subscribers.
    pub info: String,
}

/// The message that a reply answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Its id in the channel of the reply.
    pub message_id: String,
    /// Its text.
    pub text: String,
    /// Its author.
    pub chatter: Chatter,
}

/// The result of sending a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its id in the channel where it was typed.
    pub message_id: String,
    /// Its ids in the channels that it was shared with, in their order.
    pub shared_ids: Vec<String>,
    /// Number of notifications sent, including repeats. 0 if nothing reads that chat.
    pub deliveries: usize,
}

impl ChatLine {
    /// Creates a normal message.
    pub fn new(channel: impl Into<String>, chatter: Chatter, text: impl Into<String>) -> Self {
        Self {
            channel: channel.into(),
            chatter,
            text: text.into(),
            action: false,
            reply_to: None,
            shared_with: Vec::new(),
            repeats: 0,
        }
    }

    /// Sends the message with `/me`.
    #[must_use]
    pub fn action(mut self) -> Self {
        self.action = true;
        self
    }

    /// Makes the message a reply.
    #[must_use]
    pub fn reply_to(mut self, parent: Parent) -> Self {
        self.reply_to = Some(parent);
        self
    }

    /// Shares the message with another channel.
    #[must_use]
    pub fn shared_with(mut self, channel: impl Into<String>) -> Self {
        self.shared_with.push(channel.into());
        self
    }

    /// Repeats every delivery this many times.
    #[must_use]
    pub fn repeated(mut self, repeats: u32) -> Self {
        self.repeats = repeats;
        self
    }
}

impl Chatter {
    /// Creates a chatter with an id derived from the name, so that the same name always has the same id.
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        let login = name.to_lowercase();
        let id = 500_000_000 + stable_hash(&login) % 400_000_000;
        Self { id: id.to_string(), login, name, color: "#00FF7F".to_owned(), badges: Vec::new() }
    }
}

impl From<&SimUser> for Chatter {
    fn from(user: &SimUser) -> Self {
        Self {
            id: user.id.clone(),
            login: user.login.clone(),
            name: user.display_name.clone(),
            color: "#FF69B4".to_owned(),
            badges: Vec::new(),
        }
    }
}

impl Badge {
    /// Creates a badge of this set.
    pub fn new(set_id: impl Into<String>, id: impl Into<String>, info: impl Into<String>) -> Self {
        Self { set_id: set_id.into(), id: id.into(), info: info.into() }
    }
}
