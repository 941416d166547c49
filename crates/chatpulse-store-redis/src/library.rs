//! The Lua function library: its source, its version and the names of its functions.

use std::sync::Arc;

/// One library for Redis. The order matters: a Lua function may only call functions above it.
const SOURCE: &str = concat!(
    include_str!("../../../lua/chatpulse.lua"),
    include_str!("../../../lua/tally.lua"),
    include_str!("../../../lua/votes.lua"),
    include_str!("../../../lua/sessions.lua"),
    include_str!("../../../lua/fleet.lua"),
);

/// The library's name, and the prefix of its functions' names.
const NAME: &str = "chatpulse";

/// The source of a library and its version. Clones share it.
#[derive(Debug, Clone)]
pub struct Library {
    inner: Arc<Source>,
}

#[derive(Debug)]
struct Source {
    code: String,
    name: String,
    version: u64,
}

impl Library {
    /// The library in this program.
    pub fn embedded() -> Self {
        Self::from_source(SOURCE, NAME)
    }

    /// Another library, whose function names begin with `name`; for tests.
    pub fn from_source(code: &str, name: &str) -> Self {
        let version = version_in(code).unwrap_or(0);
        Self { inner: Arc::new(Source { code: code.to_owned(), name: name.to_owned(), version }) }
    }

    /// The Lua source.
    pub fn code(&self) -> &str {
        &self.inner.code
    }

    /// The version that the source declares; 0 if it declares none.
    pub fn version(&self) -> u64 {
        self.inner.version
    }

    pub(crate) fn name_of(&self, function: &str) -> String {
        format!("{}_{function}", self.inner.name)
    }
}

/// Finds the number in `local VERSION = 1`.
fn version_in(code: &str) -> Option<u64> {
    let line = code.lines().find_map(|line| line.strip_prefix("local VERSION = "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_library_declares_its_version() {
        assert!(Library::embedded().version() >= 1);
    }
}
