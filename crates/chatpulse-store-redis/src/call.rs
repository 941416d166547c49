//! One function call and its reply. `lua/` has the signature of each function above it.

use std::fmt::Display;

use fred::error::Error as FredError;
use fred::interfaces::FunctionInterface;
use fred::types::Value;

use crate::error::Failure;
use crate::store_clock::Expiry;

/// A call of a function of the library.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its name without the library's prefix.
    pub(crate) function: &'static str,
    /// The function is registered as one that writes nothing; the server refuses its writes.
    reads: bool,
    keys: Vec<String>,
    args: Vec<String>,
    /// Whether it must not be carried out once its failure was reported.
    expires: bool,
}

impl Call {
    pub(crate) fn reading(function: &'static str) -> Self {
        Self { function, reads: true, keys: Vec::new(), args: Vec::new(), expires: false }
    }

    pub(crate) fn writing(function: &'static str) -> Self {
        Self { reads: false, ..Self::reading(function) }
    }

    /// Sets KEYS.
    #[must_use]
    pub(crate) fn keys(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Appends to ARGV.
    #[must_use]
    pub(crate) fn args<const N: usize>(mut self, args: [String; N]) -> Self {
        self.args.extend(args);
        self
    }

    /// Appends to ARGV.
    #[must_use]
    pub(crate) fn arg(mut self, arg: impl Display) -> Self {
        self.args.push(arg.to_string());
        self
    }

    /// Gives it a deadline on the server's clock: after that the function does nothing. The deadline is the last two of
    /// ARGV.
    #[must_use]
    pub(crate) fn expiring(mut self) -> Self {
        self.expires = true;
        self
    }

    /// The key that decides which node gets it, where it expires.
    pub(crate) fn expiring_key(&self) -> Option<&str> {
        self.keys.first().filter(|_| self.expires).map(String::as_str)
    }

    /// Sends it under the function's full name. In a pipeline it returns as soon as the call is queued.
    pub(crate) async fn send<C>(
        &self,
        client: &C,
        name: &str,
        expiry: Option<&Expiry>,
    ) -> Result<Value, FredError>
    where
        C: FunctionInterface + Sync,
    {
        let (keys, mut args) = (self.keys.clone(), self.args.clone());
        args.extend(expiry.into_iter().flat_map(Expiry::args));
        if self.reads {
            client.fcall_ro(name.to_owned(), keys, args).await
        } else {
            client.fcall(name.to_owned(), keys, args).await
        }
    }
}

/// The reply of a function: a word, then the values that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply(Vec<String>);

impl Reply {
    /// Fails if the function replied `corrupt`.
    pub(crate) fn new(value: Value) -> Result<Self, Failure> {
        let texts: Vec<String> = value.convert().map_err(Failure::Refused)?;
        if texts.first().is_some_and(|word| word == "corrupt") {
            let field = texts.get(1).map_or("", String::as_str);
            return Err(Failure::Malformed { place: place_of(field) });
        }
        Ok(Self(texts))
    }

    pub(crate) fn word(&self) -> &str {
        self.text(0)
    }

    /// The text at `index`; empty if the reply is shorter.
    pub(crate) fn text(&self, index: usize) -> &str {
        self.0.get(index).map_or("", String::as_str)
    }

    /// The number at `index`. `place` says where it is stored, for the error.
    pub(crate) fn number<T: std::str::FromStr>(
        &self,
        index: usize,
        place: &'static str,
    ) -> Result<T, Failure> {
        self.text(index).parse().map_err(|_| Failure::Malformed { place })
    }

    /// The whole reply, for functions that return a list.
    pub(crate) fn texts(&self) -> &[String] {
        &self.0
    }
}

/// The place of a field of a session.
fn place_of(field: &str) -> &'static str {
    match field {
        "value" => "session.value",
        "last_update" => "session.last_update",
        "decay_speed" => "session.decay_speed",
        "config_version" => "session.config_version",
        "last_disconnect" => "session.last_disconnect",
        _ => "session",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrupt_reply_names_the_field() {
        let value = Value::Array(vec!["corrupt".into(), "value".into()]);
        assert!(matches!(Reply::new(value), Err(Failure::Malformed { place: "session.value" })));
    }
}
