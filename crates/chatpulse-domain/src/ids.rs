//! Every id is a type of its own, so that none can stand in another's place.
//!
//! Ids of channels, chatters and messages carry their [`Platform`]: start with [`ChannelId`]. The others are ours, or
//! belong to Twitch alone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

/// Longest text that is accepted as an id from outside, in bytes. Twitch's are under 64; queries and maps stay small.
pub const TEXT_ID_BYTES_MAX: usize = 256;

/// Text that cannot be an id: empty, too long, or with characters that are not visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to {TEXT_ID_BYTES_MAX} visible ASCII characters")]
pub struct InvalidId;

fn is_id_text(text: &str) -> bool {
    (1..=TEXT_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A chat platform. Each has a crate of its own that reads its chats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Platform {
    /// [Twitch](https://www.twitch.tv).
    Twitch,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 1] = [Self::Twitch];

    /// What its ids begin with in keys, columns and signals. Twitch's are written bare; every other platform takes its
    /// name and a colon (`kick:`), and no two prefixes begin alike.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Twitch => "",
        }
    }

    /// Its name where code and words name it, such as in signals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Twitch => "twitch",
        }
    }

    /// The platform of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.name() == name)
    }

    /// The platform of a written id.
    fn of_written(text: &str) -> Self {
        let others = Self::ALL.into_iter().filter(|platform| !platform.prefix().is_empty());
        others.into_iter().find(|platform| text.starts_with(platform.prefix())).unwrap_or(Self::Twitch)
    }
}

macro_rules! platform_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Written (keys, columns, signals, logs) it is the platform's own id after [`Platform::prefix`].
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name {
            platform: Platform,
            written: Arc<str>,
        }

        impl $name {
            /// From the platform's own id: visible ASCII, and no text that reads as another platform's id.
            pub fn new(platform: Platform, own: &str) -> Result<Self, InvalidId> {
                let written: Arc<str> = match platform.prefix() {
                    "" => own.into(),
                    prefix => format!("{prefix}{own}").into(),
                };
                let is_valid = is_id_text(own) && is_id_text(&written) && Platform::of_written(&written) == platform;
                if is_valid { Ok(Self { platform, written }) } else { Err(InvalidId) }
            }

            /// Whose id it is.
            pub fn platform(&self) -> Platform {
                self.platform
            }

            /// The id as the platform knows it, without prefix.
            pub fn own(&self) -> &str {
                &self.written[self.platform.prefix().len()..]
            }

            /// The id as it is written in keys, columns, signals and logs.
            pub fn as_str(&self) -> &str {
                &self.written
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.written)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Reads the written form.
            fn from_str(written: &str) -> Result<Self, InvalidId> {
                let platform = Platform::of_written(written);
                Self::new(platform, &written[platform.prefix().len()..])
            }
        }
    };
}

platform_id! {
    /// A channel: a streamer's place on a platform, where chat is typed.
    ChannelId
}
platform_id! {
    /// An account that types chat, or whose account reads it.
    ChatterId
}
platform_id! {
    /// One line of chat; a repeated delivery carries the same one.
    MessageId
}

impl ChannelId {
    /// The account that the channel belongs to. Twitch gives an account and its channel the same id.
    pub fn owner(&self) -> ChatterId {
        ChatterId { platform: self.platform, written: Arc::clone(&self.written) }
    }
}

impl ChatterId {
    /// The channel is this account's own.
    pub fn owns(&self, channel: &ChannelId) -> bool {
        self.platform == channel.platform && self.written == channel.written
    }

    /// It is this account on Twitch.
    pub fn is_twitch_user(&self, user: &TwitchUserId) -> bool {
        self.platform == Platform::Twitch && self.written == user.0
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// From visible ASCII of 1 to [`TEXT_ID_BYTES_MAX`] bytes; the id itself is opaque.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                if is_id_text(text) { Ok(Self(text.into())) } else { Err(InvalidId) }
            }

            /// The id as it is written on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// An account on Twitch: a streamer or the bot. Names change, this does not. For login, tokens and the Twitch crates;
    /// everywhere else it is a [`ChannelId`] or a [`ChatterId`].
    TwitchUserId
}

impl TwitchUserId {
    /// The account's own channel.
    pub fn channel(&self) -> ChannelId {
        ChannelId { platform: Platform::Twitch, written: Arc::clone(&self.0) }
    }

    /// The account as somebody who types or reads chat.
    pub fn chatter(&self) -> ChatterId {
        ChatterId { platform: Platform::Twitch, written: Arc::clone(&self.0) }
    }

    /// The owner of a channel on Twitch; `None` for a channel of another platform.
    pub fn of_channel(channel: &ChannelId) -> Option<Self> {
        (channel.platform == Platform::Twitch).then(|| Self(Arc::clone(&channel.written)))
    }

    /// The Twitch account behind a chatter; `None` for a chatter of another platform.
    pub fn of_chatter(chatter: &ChatterId) -> Option<Self> {
        (chatter.platform == Platform::Twitch).then(|| Self(Arc::clone(&chatter.written)))
    }
}

text_id! {
    /// One running server, unique per start (`hostname-PID-random`).
    InstanceId
}
text_id! {
    /// An EventSub subscription at Twitch.
    SubscriptionId
}
text_id! {
    /// A conduit at Twitch: what subscriptions deliver to.
    ConduitId
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new one that nobody can guess.
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

uuid_id! {
    /// A streamer's account here.
    StreamerId
}
uuid_id! {
    /// The secret part of an overlay's address. Whoever knows it may watch; rotating gives a new one.
    OverlayId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_visible_ascii_of_a_sane_length() {
        assert!(TwitchUserId::new("141981764").is_ok());
        for bad in ["", "a b", "tab\t", "é", &"9".repeat(TEXT_ID_BYTES_MAX + 1)] {
            assert_eq!(TwitchUserId::new(bad), Err(InvalidId), "{bad:?}");
        }
    }

    #[test]
    fn the_written_form_reads_back_as_the_same_id() {
        for platform in Platform::ALL {
            let channel = ChannelId::new(platform, "42").unwrap();
            assert_eq!(channel.as_str(), format!("{}42", platform.prefix()));
            assert_eq!(channel.own(), "42");
            assert_eq!(channel.to_string().parse(), Ok(channel));
        }
        assert_eq!("".parse::<ChannelId>(), Err(InvalidId));
    }

    #[test]
    fn ids_of_twitch_are_written_bare() {
        assert_eq!(TwitchUserId::new("141981764").unwrap().channel().as_str(), "141981764");
        assert_eq!(Platform::Twitch.prefix(), "");
    }

    #[test]
    fn a_platform_is_found_by_its_name_alone() {
        for platform in Platform::ALL {
            assert_eq!(Platform::named(platform.name()), Some(platform));
        }
        assert_eq!(Platform::Twitch.name(), "twitch");
        assert_eq!(["", "Twitch", "elsewhere"].map(Platform::named), [None; 3]);
    }

    #[test]
    fn a_chatter_is_their_own_twitch_account_alone() {
        let (ada, bob) = (TwitchUserId::new("1").unwrap(), TwitchUserId::new("2").unwrap());
        assert!(ada.chatter().is_twitch_user(&ada));
        assert!(!ada.chatter().is_twitch_user(&bob));
        assert_eq!(ada.channel().owner(), ada.chatter());
    }

    #[test]
    fn an_account_owns_its_own_channel_alone() {
        let (ada, bob) = (TwitchUserId::new("1").unwrap(), TwitchUserId::new("2").unwrap());
        assert!(ada.chatter().owns(&ada.channel()));
        assert!(!ada.chatter().owns(&bob.channel()));
        assert_eq!(TwitchUserId::of_channel(&ada.channel()), Some(ada.clone()));
        assert_eq!(TwitchUserId::of_chatter(&bob.chatter()), Some(bob));
    }

    #[test]
    fn random_overlay_ids_differ() {
        assert_ne!(OverlayId::random(), OverlayId::random());
    }
}
