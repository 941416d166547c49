//! What a problem says about a value. The operator's text enters a [`Found`] only by [`Found::value`], which shows no
//! more than the variable's [`Kind`] allows, so that no part of a password is printed, however badly a URL is formed.

use std::fmt;

use super::catalogue::Kind;
use super::dotenv::LineProblem;
use super::env_file::Unreadable;
use super::server_url::{SCHEMES, UrlFlaw};

/// Longer values are cut, to keep the report readable.
const CHARS_MAX: usize = 80;

/// A description of a value that holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found(String);

impl Found {
    /// Describes a value as far as its kind allows.
    pub(super) fn value(kind: Kind, text: &str) -> Self {
        // Whatever the variable is for: the URL of a server may have been pasted into it.
        let is_suspect = text.contains('@') || text.contains("://");
        match kind {
            Kind::Plain if !is_suspect => Self(format!("`{}`", cut(text))),
            Kind::PublicUrl => {
                public_part(text).map_or_else(|| hidden(text), |shown| Self(format!("`{}`", cut(&shown))))
            }
            Kind::Plain | Kind::ServerUrl | Kind::Secret => hidden(text),
        }
    }

    /// Names an option of a URL that nobody knows. A text that is no usual name is not shown, because it may be the rest
    /// of a password.
    pub(super) fn unknown_option(name: &str) -> Self {
        let is_name = (1..=40).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        Self(if is_name {
            format!("its option `{name}` is not known")
        } else {
            "it has an option that is not known".into()
        })
    }

    /// Adds what is wrong with the value.
    pub(super) fn but(self, why: impl Into<Self>) -> Self {
        Self(format!("{}: {}", self.0, why.into().0))
    }
}

impl From<&'static str> for Found {
    fn from(words: &'static str) -> Self {
        Self(words.to_owned())
    }
}

impl From<u32> for Found {
    fn from(number: u32) -> Self {
        Self(number.to_string())
    }
}

impl From<UrlFlaw> for Found {
    fn from(flaw: UrlFlaw) -> Self {
        Self(flaw.to_string())
    }
}

#[cfg(feature = "fleet")]
impl From<&chatpulse_store_pg::InvalidUrl> for Found {
    fn from(why: &chatpulse_store_pg::InvalidUrl) -> Self {
        Self(why.to_string())
    }
}

impl From<LineProblem> for Found {
    fn from(problem: LineProblem) -> Self {
        Self(format!("line {}: {}", problem.line, problem.flaw.words()))
    }
}

impl From<&Unreadable> for Found {
    fn from(why: &Unreadable) -> Self {
        Self(why.words())
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says the length, and the scheme if it is one that we know.
fn hidden(text: &str) -> Found {
    let count = text.chars().count();
    let scheme =
        SCHEMES.iter().find(|scheme| text.strip_prefix(*scheme).is_some_and(|rest| rest.starts_with("://")));
    Found(match scheme {
        Some(scheme) => format!("a `{scheme}://` URL of {count} characters (not shown)"),
        None => format!("a value of {count} characters (not shown)"),
    })
}

/// Returns scheme, host, port and path of a web page's URL, or `None` if it may hold a password: with another
/// scheme, with an `@`, or with something else than a port after the host.
fn public_part(text: &str) -> Option<String> {
    let shown = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = shown.split_once("://").unwrap_or(("https", shown));
    if !["http", "https", "ws", "wss"].contains(&scheme) {
        return None;
    }
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(']').map_or(host, |(_, after)| after);
    let port_fits =
        host.split_once(':').is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_public = port_fits && !text.contains('@') && !text.contains("%40");
    is_public.then(|| if shown.len() < text.len() { format!("{shown}…") } else { shown.to_owned() })
}

fn cut(text: &str) -> String {
    let short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
