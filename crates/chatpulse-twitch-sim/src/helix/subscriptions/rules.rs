//! The supported subscription types, and what each requires.

use std::collections::BTreeMap;

use crate::helix::error::HelixError;

/// The authorization that a type requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The grant of the reader, and that of the channel or moderator status there.
    Chat,
    /// No authorization.
    Nothing,
    /// The condition must contain the caller's client id.
    Client,
}

/// Returns what a type of this version requires; `None` for an unknown type.
pub(crate) fn needs(kind: &str, version: &str) -> Option<Needs> {
    let needs = match kind {
        "channel.chat.message"
        | "channel.chat.message_delete"
        | "channel.chat.clear_user_messages"
        | "channel.chat.clear"
        | "channel.chat.notification" => Needs::Chat,
        "stream.online"
        | "stream.offline"
        | "channel.shared_chat.begin"
        | "channel.shared_chat.update"
        | "channel.shared_chat.end" => Needs::Nothing,
        "user.authorization.grant" | "user.authorization.revoke" | "conduit.shard.disabled" => Needs::Client,
        _ => return None,
    };
    (version == "1").then_some(needs)
}

impl Needs {
    pub(crate) fn check_condition(
        self,
        condition: &BTreeMap<String, String>,
        client_id: &str,
    ) -> Result<(), HelixError> {
        let keys: &[&str] = match self {
            Self::Chat => &["broadcaster_user_id", "user_id"],
            Self::Nothing => &["broadcaster_user_id"],
            Self::Client => &["client_id"],
        };
        if let Some(missing) = keys.iter().find(|key| condition.get(**key).is_none_or(String::is_empty)) {
            return Err(HelixError::missing(missing));
        }
        if self == Self::Client && condition.get("client_id").is_none_or(|id| id != client_id) {
            return Err(HelixError::new(403, "subscription missing proper authorization"));
        }
        Ok(())
    }
}
