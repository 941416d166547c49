//! A line of chat as somebody types it.

use serde::Serialize;

use crate::config::SimUser;
use crate::ids::stable_hash;

/// One line, typed in one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatLine {
    /// User id of the channel it is typed in.
    pub channel: String,
    /// Who types.
    pub chatter: Chatter,
    /// What is typed, without `/me` and without the `@name` of a reply.
    pub text: String,
    /// Whether it is typed after `/me`.
    pub action: bool,
    /// The message it answers.
    pub reply_to: Option<Parent>,
    /// Shared Chat: the other channels of the session, which get a copy.
    pub shared_with: Vec<String>,
    /// How often each delivery is repeated with the same ids.
    pub repeats: u32,
}

/// Somebody in the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chatter {
    /// User id.
    pub id: String,
    /// Name in addresses: lower case.
    pub login: String,
    /// Name as people see it.
    pub name: String,
    /// `#RRGGBB`, or empty for somebody who never chose.
    pub color: String,
    /// Shown beside the name. The broadcaster's own badge comes by itself.
    pub badges: Vec<Badge>,
}

/// A badge beside a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Badge {
    /// For example `subscriber`.
    pub set_id: String,
    /// Which of the set.
    pub id: String,
    /// Months, for subscribers.
    pub info: String,
}

/// A message that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Its id in the channel of the answer.
    pub message_id: String,
    /// Its text.
    pub text: String,
    /// Who wrote it.
    pub chatter: Chatter,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its id in the channel it was typed in.
    pub message_id: String,
    /// Its ids in the channels it was shared with, in their order.
    pub shared_ids: Vec<String>,
    /// Notifications that were sent, repeats included. 0 when nobody reads that chat.
    pub deliveries: usize,
}

impl ChatLine {
    /// An ordinary line.
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

    /// The same after `/me`.
    #[must_use]
    pub fn action(mut self) -> Self {
        self.action = true;
        self
    }

    /// The same as an answer.
    #[must_use]
    pub fn reply_to(mut self, parent: Parent) -> Self {
        self.reply_to = Some(parent);
        self
    }

    /// The same, shared with one more channel.
    #[must_use]
    pub fn shared_with(mut self, channel: impl Into<String>) -> Self {
        self.shared_with.push(channel.into());
        self
    }

    /// The same, with every delivery repeated so many times.
    #[must_use]
    pub fn repeated(mut self, repeats: u32) -> Self {
        self.repeats = repeats;
        self
    }
}

impl Chatter {
    /// Somebody of this name, who has the same id whenever the name comes up again.
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
    /// A badge of this set.
    pub fn new(set_id: impl Into<String>, id: impl Into<String>, info: impl Into<String>) -> Self {
        Self { set_id: set_id.into(), id: id.into(), info: info.into() }
    }
}
