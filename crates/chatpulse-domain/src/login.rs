//! Logging in: what is asked of Twitch, what comes back, and what is kept.

use crate::ids::{StreamerId, TwitchUserId};
use crate::secret::Secret;
use crate::streamer::TwitchProfile;
use crate::time::Timestamp;

/// Who is asked to agree, and so to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginRole {
    /// A streamer whose chat another account reads: lets the bot in.
    Streamer,
    /// A streamer who reads the own chat: lets the bot in and is the bot.
    StreamerAndReader,
    /// The bot account, once; starts no login.
    Bot,
}

impl LoginRole {
    /// Scopes to ask for. Source: Twitch's documentation of `channel.chat.message` over an app token.
    pub const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Streamer => &["channel:bot"],
            Self::StreamerAndReader => &["channel:bot", "user:read:chat", "user:bot"],
            Self::Bot => &["user:read:chat", "user:bot"],
        }
    }
}

/// A user's tokens as Twitch gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserTokens {
    /// Lives about four hours.
    pub access: Secret,
    /// Gets the next one; absent only if Twitch sent none.
    pub refresh: Option<Secret>,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// What the user agreed to.
    pub scopes: Vec<String>,
}

/// A finished login at Twitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who it was.
    pub user: TwitchProfile,
    /// What they gave.
    pub tokens: UserTokens,
}

/// Tokens as they lie in the database: sealed, bound to their user.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedTokens(pub Vec<u8>);

impl std::fmt::Debug for SealedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedTokens({} bytes)", self.0.len())
    }
}

/// Keyed HMAC-SHA256 of the random id in a login cookie. A stolen database opens no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoginHash(pub [u8; 32]);

/// A login session, as kept on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSession {
    /// What the cookie hashes to.
    pub hash: LoginHash,
    /// Who is logged in.
    pub streamer: StreamerId,
    /// When it ends, whatever the cookie says.
    pub expires_at: Timestamp,
    /// When it began; `None` for one that an earlier version began.
    pub started_at: Option<Timestamp>,
    /// The browser in words, such as "Firefox on Windows"; empty if it said nothing.
    pub browser: String,
}

/// The bot's consent, noted so that `check` and the dashboard can say whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotGrant {
    /// The bot account.
    pub bot: TwitchUserId,
    /// Its name as shown.
    pub display_name: String,
    /// When it agreed.
    pub granted_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_asked_for_its_scopes() {
        assert_eq!(LoginRole::Streamer.scopes(), ["channel:bot"]);
        assert_eq!(LoginRole::StreamerAndReader.scopes(), ["channel:bot", "user:read:chat", "user:bot"]);
        assert_eq!(LoginRole::Bot.scopes(), ["user:read:chat", "user:bot"]);
    }

    #[test]
    fn sealed_tokens_print_only_their_length() {
        assert_eq!(format!("{:?}", SealedTokens(vec![1, 2, 3])), "SealedTokens(3 bytes)");
    }
}
