//! Every id is a type of its own, so that none can stand in another's place.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

/// Longest text that is taken for an id from outside, in bytes. Twitch's are under 64; queries and maps stay small.
pub const TEXT_ID_BYTES_MAX: usize = 256;

/// Text that cannot be an id: empty, too long, or with characters that are not visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to {TEXT_ID_BYTES_MAX} visible ASCII characters")]
pub struct InvalidId;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes visible ASCII of a sane length; the id itself is opaque.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                let sane = (1..=TEXT_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
                if sane { Ok(Self(text.into())) } else { Err(InvalidId) }
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
    /// An account on Twitch: a streamer or the bot. Names change, this does not.
    TwitchUserId
}
text_id! {
    /// Who typed a line of chat.
    ChatterId
}
text_id! {
    /// One line of chat; a repeated delivery carries the same one.
    MessageId
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
    fn random_overlay_ids_differ() {
        assert_ne!(OverlayId::random(), OverlayId::random());
    }
}
