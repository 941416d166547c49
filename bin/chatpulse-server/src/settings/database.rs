//! `DATABASE_URL`: a SQLite file, or the URL of a PostgreSQL server.

use std::path::PathBuf;
use std::sync::Arc;

use super::fleet::PgUrl;
use super::reader::Reader;
use crate::tls::Roots;

/// A parsed `DATABASE_URL`.
pub(super) enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(PgUrl),
}

pub(super) fn read(reader: &mut Reader<'_>, roots: &Arc<Roots>) -> Option<DatabaseUrl> {
    let text = reader.text("DATABASE_URL").unwrap_or("sqlite://data/chatpulse.db");
    if text.starts_with("sqlite:") || text == MEMORY {
        let path = reader.checked("DATABASE_URL", text, "`sqlite://PATH`", sqlite_path);
        return path.map(DatabaseUrl::Sqlite);
    }
    PgUrl::read(reader, text, roots).map(DatabaseUrl::Postgres)
}

const MEMORY: &str = ":memory:";

/// Returns the path of the file, exactly as written.
fn sqlite_path(text: &str) -> Result<PathBuf, &'static str> {
    if text.contains(MEMORY) {
        return Err(
            "a database in memory is lost at every stop; name a file (`chatpulse demo` keeps nothing)",
        );
    }
    let path = text.strip_prefix("sqlite://").ok_or("`sqlite:` is not followed by two slashes and a path")?;
    if path.contains('?') {
        return Err("it has options after a `?`; remove them, ChatPulse sets its own and creates the file");
    }
    if path.starts_with('~') {
        return Err("only a shell knows `~`; write the whole path, such as sqlite:///home/ada/chatpulse.db");
    }
    if path.starts_with("file:") {
        return Err("its path begins with `file:`; write the path alone");
    }
    if path.is_empty() || path.ends_with('/') {
        return Err("it names no file");
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_path_is_taken_as_written_and_other_peoples_notations_are_explained() {
        for good in ["data/chatpulse.db", "/var/lib/x.db", "a b$c#d%20.db", "./~/x.db", "C:/x.db"] {
            assert_eq!(sqlite_path(&format!("sqlite://{good}")), Ok(PathBuf::from(good)));
        }
        for bad in [
            "sqlite://x.db?mode=rwc",
            "sqlite:///x.db?",
            "sqlite://~/x.db",
            "sqlite://~ada/x.db",
            "sqlite://:memory:",
            "sqlite::memory:",
            "sqlite://file::memory:?cache=shared",
            "sqlite://file:x.db",
            "sqlite:x.db",
            "sqlite:/x.db",
            "sqlite://",
            "sqlite://data/",
            ":memory:",
        ] {
            assert!(sqlite_path(bad).is_err(), "{bad}");
        }
    }
}
