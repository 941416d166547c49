//! The database that a pool connects to, for messages.

use std::fmt;

use tokio_postgres::config::{Config, Host};

/// Address, user and database; never a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// `host:port`, or the folder of a Unix socket; several are joined by "or".
    pub(crate) address: String,
    pub(crate) user: String,
    pub(crate) database: String,
}

impl Target {
    pub(crate) fn of(connection: &Config) -> Self {
        let ports = connection.get_ports();
        let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let address = |(index, host): (usize, &Host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(index)),
            #[cfg(unix)]
            Host::Unix(folder) => folder.display().to_string(),
        };
        let mut addresses: Vec<_> = connection.get_hosts().iter().enumerate().map(address).collect();
        if addresses.is_empty() {
            let numeric = connection.get_hostaddrs().iter().enumerate();
            addresses.extend(numeric.map(|(index, address)| format!("{address}:{}", port(index))));
        }
        let user = connection.get_user().unwrap_or("of this process").to_owned();
        let database = connection.get_dbname().map_or_else(|| user.clone(), str::to_owned);
        Self { address: addresses.join(" or "), user, database }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}
