//! An event that can be matched with conditions and sent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::eventsub::subscription::{Status, Subscription};

/// One event of a type, with its body exactly as it will be sent.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) body: Box<RawValue>,
    /// Top-level text values of the body, which conditions are matched with.
    facts: BTreeMap<String, String>,
}

impl Event {
    pub(crate) fn new(kind: &str, body: &impl Serialize) -> serde_json::Result<Self> {
        let body = serde_json::value::to_raw_value(body)?;
        let all: BTreeMap<String, Value> = serde_json::from_str(body.get())?;
        let text = |(key, value): (String, Value)| match value {
            Value::String(text) => Some((key, text)),
            _ => None,
        };
        Ok(Self { kind: kind.to_owned(), body, facts: all.into_iter().filter_map(text).collect() })
    }

    /// Returns whether an enabled subscription matches this event. Keys that the event does not have, such as the
    /// reader of a chat, always match.
    pub(crate) fn concerns(&self, subscription: &Subscription) -> bool {
        let agrees =
            |(key, wanted): (&String, &String)| self.facts.get(key).is_none_or(|fact| fact == wanted);
        subscription.status == Status::Enabled
            && subscription.kind == self.kind
            && subscription.condition.iter().all(agrees)
    }

    /// Returns the key that selects the shard: the channel, or else the user or the conduit of the event.
    pub(crate) fn channel(&self) -> &str {
        ["broadcaster_user_id", "user_id", "conduit_id"]
            .iter()
            .find_map(|key| self.facts.get(*key))
            .map_or("", String::as_str)
    }
}
