//! Request parameters from the query and the form body, because clients use both.

use std::collections::HashMap;

use url::form_urlencoded;

use crate::tokens::Scopes;

/// Names and values; the body overrides the query.
pub(crate) struct Params(HashMap<String, String>);

impl Params {
    pub(crate) fn new(query: &str, body: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(body));
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Returns the value, or `None` if it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn scopes(&self) -> Scopes {
        self.get("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    }
}
