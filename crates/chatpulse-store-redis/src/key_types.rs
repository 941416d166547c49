//! Looks for keys of another type than ours, for a check. Another program in the same database may have written them.

use chatpulse_domain::ports::error::StoreError;
use fred::interfaces::KeysInterface as _;

use crate::connection::Redis;
use crate::keys::{DISCONNECTED, EPOCHS, FENCE, INSTANCES, LEADER, PROBE, SESSIONS, SHARDS};
use crate::operation;

/// Keys that every instance uses, with the types that `lua/` gives them.
const TYPES: [(&str, &str); 8] = [
    (DISCONNECTED, "zset"),
    (SESSIONS, "zset"),
    (INSTANCES, "zset"),
    (EPOCHS, "hash"),
    (SHARDS, "hash"),
    (LEADER, "string"),
    (FENCE, "string"),
    (PROBE, "string"),
];

/// A key that holds something else than ChatPulse writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongType {
    /// The key.
    pub key: &'static str,
    /// The type that Redis has of it.
    pub found: String,
    /// The type that ChatPulse needs.
    pub expected: &'static str,
}

impl Redis {
    /// The keys of all instances that have another type than ours.
    pub async fn wrong_types(&self) -> Result<Vec<WrongType>, StoreError> {
        let mut wrong = Vec::new();
        for (key, expected) in TYPES {
            let found: String =
                self.commands(operation::PROBE, |client| async move { client.r#type(key).await }).await?;
            if found != expected && found != "none" {
                wrong.push(WrongType { key, found, expected });
            }
        }
        Ok(wrong)
    }
}
