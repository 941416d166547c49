//! The limit of open files: raised at start, then divided among connections and everything else.
//!
//! Connections are turned away before the last files are gone, so that health checks, the database and Redis still
//! work.

use std::thread::available_parallelism;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use crate::settings::{Database, Settings};

/// Files beside connections and workers: database file, Redis, Twitch, logs, and connections that are closing.
const OTHERS: usize = 80;
/// Connections of the listener for operators.
const OPERATORS: usize = 32;
/// Files of one worker: its poll, its wake-up and its timer.
const PER_WORKER: usize = 4;
/// The least number of connections that are kept free of overlays, for pages, webhooks and health.
const REQUESTS_MIN: usize = 16;
/// The same, as a part of all connections: one eighth.
const REQUESTS_SHARE: usize = 8;
/// Tried if the hard limit is refused, as macOS does.
const MODEST_LIMIT: u64 = 10_240;

/// How many files may be open, and what that allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenFiles {
    /// What the system allows this process.
    pub(crate) limit: usize,
    /// Files that the settings need.
    pub(crate) needed: usize,
    /// Connections of the public listener, overlays included.
    pub(crate) connections_max: usize,
    /// Overlay sockets: as configured, or as many as there is room for.
    pub(crate) overlays_max: usize,
    /// Overlay sockets as configured.
    pub(crate) overlays_wanted: usize,
}

/// Raises the soft limit to the hard limit. Without permission the limit stays as it is.
pub(crate) fn raise_limit() {
    let limits = getrlimit(Resource::Nofile);
    for target in [limits.maximum, Some(MODEST_LIMIT)] {
        let is_more = match (limits.current, target) {
            (Some(current), Some(target)) => target > current,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !is_more || setrlimit(Resource::Nofile, Rlimit { current: target, ..limits }).is_ok() {
            return;
        }
    }
}

impl OpenFiles {
    /// Divides what this process may open.
    pub(crate) fn of_process(settings: &Settings) -> Self {
        let limit = getrlimit(Resource::Nofile).current;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let workers = available_parallelism().map_or(1, std::num::NonZero::get);
        let database = match &settings.stores.database {
            Database::Postgres(pg) => pg.connections_max(),
            Database::Sqlite { .. } | Database::InMemory => 0,
        };
        let operators = if settings.http.metrics_listen.is_some() { OPERATORS } else { 0 };
        Self::divide(
            limit,
            OTHERS + operators + PER_WORKER * workers + database,
            settings.limits.overlays.connections_max,
        )
    }

    fn divide(limit: usize, others: usize, overlays_wanted: usize) -> Self {
        let share = overlays_wanted.div_ceil(REQUESTS_SHARE - 1).max(REQUESTS_MIN);
        let needed = others.saturating_add(overlays_wanted).saturating_add(share);
        let connections_max = limit.saturating_sub(others).max(REQUESTS_MIN);
        let requests = (connections_max / REQUESTS_SHARE).max(REQUESTS_MIN);
        let overlays_max = overlays_wanted.min(connections_max.saturating_sub(requests)).max(1);
        Self { limit, needed, connections_max, overlays_max, overlays_wanted }
    }

    /// Returns what is missing and what to do, if the limit is too low for the settings.
    pub(crate) fn shortage(&self) -> Option<(String, &'static str)> {
        (self.overlays_max < self.overlays_wanted).then(|| {
            let Self { limit, needed, overlays_max, overlays_wanted, .. } = self;
            let found = format!(
                "this process may open {limit} files, and MAX_WEBSOCKET_CONNECTIONS={overlays_wanted} needs {needed}: \
                 overlays beyond {overlays_max} are turned away"
            );
            (
                found,
                "raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd, --ulimit nofile= of Docker), or lower \
                 MAX_WEBSOCKET_CONNECTIONS",
            )
        })
    }

    /// Logs a warning if the limit is too low for the settings.
    pub(crate) fn warn_if_short(&self) {
        if let Some((found, action)) = self.shortage() {
            warn!("{found}; {action}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_limit_gives_every_overlay_its_socket() {
        let files = OpenFiles::divide(1_048_576, 82, 10_000);
        assert_eq!((files.overlays_max, files.needed), (10_000, 82 + 10_000 + 1_429));
        assert_eq!(files.shortage(), None);
        assert_eq!(OpenFiles::divide(files.needed, 82, 10_000).shortage(), None, "so many are enough");
        assert!(OpenFiles::divide(files.needed - 2, 82, 10_000).shortage().is_some());
        assert_eq!(OpenFiles::divide(usize::MAX, 82, 10_000).overlays_max, 10_000);
    }

    #[test]
    fn a_small_limit_keeps_files_for_requests_and_for_everything_else() {
        let files = OpenFiles::divide(300, 82, 10_000);
        assert_eq!((files.connections_max, files.overlays_max), (218, 191));
        let (found, _) = files.shortage().unwrap();
        assert!(found.contains("300 files") && found.contains("beyond 191"), "{found}");
    }

    #[test]
    fn a_tiny_limit_does_not_underflow() {
        let files = OpenFiles::divide(20, 82, 10_000);
        assert_eq!((files.connections_max, files.overlays_max), (16, 1));
    }

    #[test]
    fn raising_leaves_nothing_below_the_hard_limit() {
        raise_limit();
        let limits = getrlimit(Resource::Nofile);
        assert_eq!(limits.current, limits.maximum);
    }
}
