//! The parser of `DATABASE_URL` for PostgreSQL.
//!
//! The client knows only some values of `sslmode` and refuses the options that hosted services and libpq add. So options
//! are looked at here one by one, and an unknown or malformed one is named.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::config::Config;

/// A parsed URL.
#[derive(Clone)]
pub struct ParsedUrl {
    /// Host, database, user, password and the client's options.
    pub connection: Config,
    /// Its `sslmode`.
    pub tls: TlsMode,
    /// The file of `sslrootcert`, trusted besides the roots that every connection trusts.
    pub root_certificates: Option<PathBuf>,
}

/// The `sslmode` of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// `disable`.
    Disable,
    /// Absent, `allow` or `prefer`. Production treats it as [`TlsMode::Require`].
    Prefer,
    /// `require`, `verify-ca` or `verify-full`; all verify chain and host name.
    Require,
}

/// The name of an option, to be shown. A text that looks like something else prints as "(not shown)", because it may be
/// the rest of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionName(Option<String>);

impl OptionName {
    fn of(name: &str) -> Self {
        let is_name = (1..=40).contains(&name.len())
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        Self(is_name.then(|| name.to_owned()))
    }
}

impl fmt::Display for OptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(name) => write!(f, "`{name}`"),
            None => f.write_str("(not shown)"),
        }
    }
}

/// Why a text is not the URL of a PostgreSQL database. Repeats no part of the URL but the names of options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Malformed URL.
    #[error("it should look like postgres://user:password@host:5432/database")]
    Form,
    /// Unknown `sslmode`.
    #[error("its sslmode can be disable, prefer, require, verify-ca or verify-full")]
    TlsMode,
    /// No host.
    #[error("it names no host")]
    NoHost,
    /// An option that neither we nor the client know.
    #[error("its option {0} is not known; remove it")]
    UnknownOption(OptionName),
    /// An option of libpq or of another client that cannot be honoured here.
    #[error("its option `{name}` is not supported: {instead}")]
    Unsupported {
        /// The option.
        name: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// A known option with a value that it cannot have.
    #[error("its option {0} has a value that is not allowed")]
    OptionValue(OptionName),
}

/// Options that the client understands.
const OF_CLIENT: [&str; 17] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];

/// Options that hold for every connection of ours, with the values that say so; `*` is any. Hosted services and other
/// clients add them.
const HELD_ANYWAY: [(&str, &[&str]); 9] = [
    ("pgbouncer", &["*"]),
    ("prepareThreshold", &["0"]),
    ("statement_cache_size", &["0"]),
    ("sslnegotiation", &["postgres"]),
    ("gssencmode", &["disable", "prefer"]),
    ("sslcompression", &["0"]),
    ("sslsni", &["1"]),
    ("ssl_min_protocol_version", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("client_encoding", &["UTF8", "utf8", "UTF-8", "utf-8", "auto"]),
];

/// Options that would change what a connection does, and cannot be honoured.
const UNSUPPORTED: [(&str, &str); 8] = [
    ("sslcert", "client certificates are not used, log in with a password"),
    ("sslkey", "client certificates are not used, log in with a password"),
    ("sslcrl", "revocation lists are not read"),
    ("passfile", "write the password into the URL"),
    ("service", "write host, user and database into the URL"),
    ("schema", "the tables are in the user's first schema; give the database user a `search_path`"),
    ("connection_limit", "set DB_MAX_CONNS"),
    ("pool_timeout", "set DB_CONNECT_TIMEOUT"),
];

/// Parses `postgres://…`.
pub fn parse_url(url: &str) -> Result<ParsedUrl, InvalidUrl> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(InvalidUrl::Form);
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    // Beside a password that contains `&`, the next "option" is the rest of it.
    let may_name = !query.split('&').any(|option| option.starts_with("password="));
    let mut options = Options { may_name, ..Options::default() };
    for option in query.split('&').filter(|option| !option.is_empty()) {
        options.take(option)?;
    }
    let rest = format!("{address}?{}", options.of_client.join("&"));
    let connection: Config = rest.trim_end_matches('?').parse().map_err(|_| InvalidUrl::Form)?;
    if connection.get_hosts().is_empty() && connection.get_hostaddrs().is_empty() {
        return Err(InvalidUrl::NoHost);
    }
    let Options { tls, root_certificates, .. } = options;
    Ok(ParsedUrl { connection, tls: tls.unwrap_or(TlsMode::Prefer), root_certificates })
}

/// The options of a URL, sorted by who honours them.
#[derive(Default)]
struct Options {
    tls: Option<TlsMode>,
    root_certificates: Option<PathBuf>,
    of_client: Vec<String>,
    may_name: bool,
}

impl Options {
    fn take(&mut self, option: &str) -> Result<(), InvalidUrl> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        // A text without `=` may be the rest of a password too.
        let shown = || OptionName::of(if self.may_name && option.contains('=') { name } else { "" });
        let value = percent_decode_str(value).decode_utf8().map_err(|_| InvalidUrl::OptionValue(shown()))?;
        if let Some((name, instead)) = UNSUPPORTED.into_iter().find(|(unsupported, _)| *unsupported == name) {
            return Err(InvalidUrl::Unsupported { name, instead });
        }
        if let Some((_, values)) = HELD_ANYWAY.iter().find(|(held, _)| *held == name) {
            let is_held = values.iter().any(|held| *held == value || *held == "*");
            return if is_held { Ok(()) } else { Err(InvalidUrl::OptionValue(shown())) };
        }
        match (name, value.as_ref()) {
            ("sslmode", "disable") => self.tls = Some(TlsMode::Disable),
            ("sslmode", "allow" | "prefer") => self.tls = Some(TlsMode::Prefer),
            // libpq takes JDBC's `ssl=true` too.
            ("sslmode", "require" | "verify-ca" | "verify-full") | ("ssl", "true") => {
                self.tls = Some(TlsMode::Require);
            }
            ("sslmode", _) => return Err(InvalidUrl::TlsMode),
            ("sslrootcert", "system") => {}
            ("sslrootcert", path) => self.root_certificates = Some(PathBuf::from(path)),
            // The client has one word for a server that takes writes.
            ("target_session_attrs", "primary") => {
                self.of_client.push("target_session_attrs=read-write".to_owned());
            }
            (name, _) if OF_CLIENT.contains(&name) => {
                // By itself, so that the name of a malformed one is known.
                let alone: Result<Config, _> = format!("postgres://host/?{option}").parse();
                alone.map_err(|_| InvalidUrl::OptionValue(shown()))?;
                self.of_client.push(option.to_owned());
            }
            _ => return Err(InvalidUrl::UnknownOption(shown())),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::{ChannelBinding, Host, TargetSessionAttrs};

    use super::*;

    #[test]
    fn every_sslmode_is_parsed_and_other_options_are_kept() {
        for (option, expected) in [
            ("", TlsMode::Prefer),
            ("?sslmode=disable", TlsMode::Disable),
            ("?sslmode=allow", TlsMode::Prefer),
            ("?sslmode=prefer", TlsMode::Prefer),
            ("?sslmode=require", TlsMode::Require),
            ("?ssl=true", TlsMode::Require),
            ("?application_name=pulse&sslmode=verify-ca", TlsMode::Require),
            ("?sslmode=verify-full&application_name=pulse", TlsMode::Require),
        ] {
            let url = format!("postgres://ada:s%20e@db.example:5433/pulse{option}");
            let ParsedUrl { connection, tls, .. } = parse_url(&url).unwrap();
            assert_eq!(tls, expected, "{option}");
            assert_eq!(connection.get_hosts(), [Host::Tcp("db.example".into())]);
            assert_eq!(connection.get_ports(), [5433]);
            assert_eq!(connection.get_user(), Some("ada"));
            assert_eq!(connection.get_password(), Some("s e".as_bytes()));
            assert_eq!(connection.get_dbname(), Some("pulse"));
            let is_named = connection.get_application_name() == Some("pulse");
            assert_eq!(is_named, option.contains("application_name"));
        }
    }

    #[test]
    fn options_of_hosted_services_and_of_libpq_are_honoured() {
        let url = "postgresql://u:p@ep-x.eu.aws.neon.tech/db?sslmode=require&channel_binding=require&pgbouncer=true\
            &options=endpoint%3Dep-x&target_session_attrs=primary&connect_timeout=10&gssencmode=disable\
            &sslrootcert=%2Fetc%2Fca.pem&keepalives=1&load_balance_hosts=random&prepareThreshold=0";
        let ParsedUrl { connection, tls, root_certificates } = parse_url(url).unwrap();
        assert_eq!(tls, TlsMode::Require);
        assert_eq!(connection.get_channel_binding(), ChannelBinding::Require);
        assert_eq!(connection.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(connection.get_options(), Some("endpoint=ep-x"));
        assert_eq!(root_certificates, Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(parse_url("postgres://h/x?sslrootcert=system").unwrap().root_certificates, None);
    }

    #[test]
    fn an_option_that_is_not_honoured_is_named() {
        for (option, named) in [
            ("colour=blue", "`colour`"),
            ("sslmodus=require", "`sslmodus`"),
            ("Application_Name=x", "`Application_Name`"),
            ("keepalives=often", "`keepalives`"),
            ("target_session_attrs=standby", "`target_session_attrs`"),
            ("channel_binding=always", "`channel_binding`"),
            ("sslnegotiation=direct", "`sslnegotiation`"),
            ("sslcert=x.pem", "`sslcert`"),
            ("connection_limit=1", "DB_MAX_CONNS"),
            ("schema=pulse", "`schema`"),
            ("client_encoding=LATIN1", "`client_encoding`"),
            ("gssencmode=require", "`gssencmode`"),
            ("ssl=false", "`ssl`"),
            ("port=x", "`port`"),
            ("hunter2!=x", "(not shown)"),
        ] {
            let error =
                parse_url(&format!("postgres://ada:hunter2@db/x?sslmode=require&{option}")).err().unwrap();
            let text = error.to_string();
            assert!(text.contains(named) && !text.contains("hunter2"), "{option}: {text}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong_without_the_password() {
        for (url, expected) in [
            ("mysql://ada:hunter2@db/x", "should look like"),
            ("postgres://ada:hunter2@db/x?sslmode=maybe", "sslmode can be"),
            ("postgres://ada:hunter2@db:port/x", "should look like"),
            ("postgres://db/x?password=a&hunter2=b", "(not shown)"),
            ("postgres:///x", "no host"),
        ] {
            let error = parse_url(url).err().unwrap();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
