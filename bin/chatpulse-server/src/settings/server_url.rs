//! A strict look at the URL of a server before any library reads it.
//!
//! Libraries guess where a password ends: of `postgres://u:a@b@host/x` one takes `b@host` for the host, and the next
//! error prints it. [`ServerUrl::split`] accepts only URLs that everybody reads alike, and its errors hold no text of
//! the URL.

use std::fmt;

/// Schemes that a problem may repeat; the beginning of any other text may be anything.
pub(super) const SCHEMES: [&str; 16] = [
    "postgres",
    "postgresql",
    "sqlite",
    "mysql",
    "mariadb",
    "mongodb",
    "redis",
    "rediss",
    "redis-cluster",
    "rediss-cluster",
    "redis-sentinel",
    "http",
    "https",
    "ws",
    "wss",
    "file",
];

/// The parts of a URL, as written.
#[derive(Clone, Copy)]
pub(super) struct ServerUrl<'a> {
    pub(super) scheme: &'a str,
    /// `HOST:PORT`, or a comma list of these. May be empty.
    pub(super) hosts: &'a str,
    /// With its `/`, or empty.
    pub(super) path: &'a str,
    /// Without its `?`.
    pub(super) query: Option<&'a str>,
}

/// Why a text cannot be the URL of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlFlaw {
    NoScheme,
    /// A character that ends the password for one reader and not for another.
    Unescaped(char),
    Percent,
    Fragment,
    HostOrPort,
}

impl fmt::Display for UrlFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoScheme => f.write_str("it does not begin with SCHEME://"),
            Self::Unescaped(c) => {
                let name = if c.is_whitespace() { "a space".to_owned() } else { format!("`{c}`") };
                write!(
                    f,
                    "there is {name} before its last `@`; if it belongs to the user or password, percent-encode it as %{:02X}",
                    u32::from(*c)
                )
            }
            Self::Percent => {
                f.write_str("a `%` in its user or password begins no escape such as %40; percent-encode it as %25")
            }
            Self::Fragment => {
                f.write_str("it contains `#`; if that belongs to the password, percent-encode it as %23")
            }
            Self::HostOrPort => f.write_str(
                "its host or port is malformed; write HOST:PORT, and a user or password before it as USER:PASSWORD@",
            ),
        }
    }
}

impl<'a> ServerUrl<'a> {
    pub(super) fn split(text: &'a str) -> Result<Self, UrlFlaw> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlFlaw::NoScheme)?;
        // Whatever stands before the last `@` may be part of a password.
        let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(user, rest)| (user, rest));
        check_user(user)?;
        if rest.contains('#') {
            return Err(UrlFlaw::Fragment);
        }
        let (address, query) =
            rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
        let (hosts, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        if !hosts.is_empty() && !hosts.split(',').all(is_host_and_port) {
            return Err(UrlFlaw::HostOrPort);
        }
        if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(UrlFlaw::HostOrPort);
        }
        Ok(Self { scheme, hosts, path, query })
    }

    /// Returns the options of the query, each as name and value. One without `=` has no name: it may be the rest of a
    /// password.
    pub(super) fn options(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let options = self.query.unwrap_or_default().split('&').filter(|option| !option.is_empty());
        options.map(|option| option.split_once('=').unwrap_or(("", option)))
    }
}

fn check_user(user: &str) -> Result<(), UrlFlaw> {
    let is_unsafe = |c: &char| "@/?#".contains(*c) || c.is_whitespace() || c.is_control();
    if let Some(found) = user.chars().find(is_unsafe) {
        return Err(UrlFlaw::Unescaped(if found.is_control() { ' ' } else { found }));
    }
    let mut escapes = user.split('%').skip(1);
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if escapes.all(is_escape) { Ok(()) } else { Err(UrlFlaw::Percent) }
}

/// Accepts a name, an address or an escaped path of a Unix socket, each with or without a port.
pub(super) fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
            ("x", port.strip_prefix(':'))
        }
        Some(_) => return false,
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._%".contains(&byte);
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    !host.is_empty() && host.bytes().all(fits) && port_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_everybody_reads_alike_are_split() {
        for (url, hosts, path) in [
            ("postgres://u:p%40ss@db.example:5432/x?sslmode=require", "db.example:5432", "/x"),
            ("postgres://u@%2Fvar%2Frun/x", "%2Fvar%2Frun", "/x"),
            ("postgres:///x?host=/run", "", "/x"),
            ("postgres://a,b:5433/x", "a,b:5433", "/x"),
            ("redis://:p:a|s^s{ü}@[::1]:6379", "[::1]:6379", ""),
            ("rediss://h/", "h", "/"),
        ] {
            let split = ServerUrl::split(url).unwrap();
            assert_eq!((split.hosts, split.path), (hosts, path), "{url}");
        }
    }

    #[test]
    fn a_password_that_ends_the_url_for_some_readers_is_refused_without_its_text() {
        for (password, flaw) in [
            ("hunter2@Tr0ub4dor", UrlFlaw::Unescaped('@')),
            ("hunter2/Tr0ub4dor", UrlFlaw::Unescaped('/')),
            ("hunter2?Tr0ub4dor", UrlFlaw::Unescaped('?')),
            ("hunter2#Tr0ub4dor", UrlFlaw::Unescaped('#')),
            ("hunter2 Tr0ub4dor", UrlFlaw::Unescaped(' ')),
            ("hunter2\tTr0ub4dor", UrlFlaw::Unescaped(' ')),
            ("hunter2%Tr0ub4dor", UrlFlaw::Percent),
            ("hunter2%", UrlFlaw::Percent),
            ("hunter2%4", UrlFlaw::Percent),
        ] {
            for scheme in ["postgres", "redis"] {
                let url = format!("{scheme}://u:{password}@127.0.0.1:1/x");
                let found = ServerUrl::split(&url).map(|_| ()).unwrap_err();
                assert_eq!(found, flaw, "{url}");
                assert!(!found.to_string().contains("hunter2") && !found.to_string().contains("Tr0ub4dor"));
            }
        }
    }

    #[test]
    fn what_cannot_be_host_and_port_is_refused() {
        for url in [
            "postgres://u:hunter2/x",
            "postgres://h:99999/x",
            "redis://:hunter2",
            "redis://u@h@",
            "redis://h h",
        ] {
            assert!(ServerUrl::split(url).is_err(), "{url}");
        }
        assert_eq!(ServerUrl::split("postgres:/u@h/x").map(|_| ()), Err(UrlFlaw::NoScheme));
        assert_eq!(ServerUrl::split("redis://u@h/1#x").map(|_| ()), Err(UrlFlaw::Fragment));
    }
}
