//! From a path to a connection that can be trusted: nothing is written before it is known to be ours and whole.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB, OpenFlags};
use tracing::info;

use super::schema;
use crate::error::OpenError;

/// How long SQLite waits for another process, such as a backup, to let go: well inside a call's deadline.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// More than there are statements, so each is prepared once.
const STATEMENTS_MAX: usize = 64;

/// How every SQLite file begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// The smallest page SQLite knows; a database has at least one.
const PAGE_BYTES_MIN: u64 = 512;

/// A connection, and what keeps other processes out as long as it lives.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) migrations_pending: usize,
    /// After the connection, so that the file is closed before it is unlocked.
    _lock: Option<File>,
}

/// For a server: alone, up to date, made if it is not there.
pub(super) fn to_serve(path: &Path) -> Result<Opened, OpenError> {
    create_folder_of(path)?;
    let lock = lock(path)?;
    create_file(path)?;
    refuse_what_is_no_database(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    refuse_read_only(&connection, path)?;
    schema::inspect(&connection, path)?;
    configure(&connection).map_err(OpenError::from_sqlite(path))?;
    let applied = schema::bring_up_to_date(&mut connection, path)?;
    if applied > 0 {
        info!("applied {applied} migrations to {}", path.display());
    }
    Ok(Opened { connection, migrations_pending: 0, _lock: Some(lock) })
}

/// For a look, beside a running server: changes nothing.
pub(super) fn to_check(path: &Path) -> Result<Opened, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    refuse_what_is_no_database(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    schema::inspect(&connection, path)?;
    let migrations_pending = schema::pending(&connection).map_err(OpenError::from_sqlite(path))?;
    Ok(Opened { connection, migrations_pending, _lock: None })
}

/// For the demo and for tests: gone when it is closed.
pub(super) fn in_memory(path: &Path) -> Result<Opened, OpenError> {
    let mut connection = Connection::open_in_memory().map_err(OpenError::from_sqlite(path))?;
    configure(&connection).map_err(OpenError::from_sqlite(path))?;
    schema::bring_up_to_date(&mut connection, path)?;
    Ok(Opened { connection, migrations_pending: 0, _lock: None })
}

fn not_writable(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    move |error| OpenError::NotWritable { path: path.to_owned(), source: error.into() }
}

/// Folders that are made here are closed to other users: tokens lie in them.
fn create_folder_of(path: &Path) -> Result<(), OpenError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(not_writable(folder))
}

/// For the owner only. SQLite gives the files beside it the same mode.
fn for_owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Held by the process that serves, and freed by the system however it ends. A file of its own: locks on the
/// database are SQLite's business.
fn lock(path: &Path) -> Result<File, OpenError> {
    let beside = lock_path(path);
    let file = for_owner_only().create(true).truncate(false).open(&beside);
    let file = file.map_err(not_writable(&beside))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(OpenError::Failed { path: beside, source: error.into() }),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    PathBuf::from(name)
}

fn create_file(path: &Path) -> Result<(), OpenError> {
    match for_owner_only().create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(not_writable(path)(error)),
    }
}

/// Looks at the first bytes before SQLite does: a very short file it would take for an empty one, and write over it.
fn refuse_what_is_no_database(path: &Path) -> Result<(), OpenError> {
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(PAGE_BYTES_MIN).read_to_end(&mut start))
        .map_err(not_writable(path))?;
    let path = || path.to_owned();
    if start.is_empty() {
        return Ok(());
    }
    if !start.starts_with(MAGIC) {
        return Err(OpenError::NotADatabase { path: path() });
    }
    if (start.len() as u64) < PAGE_BYTES_MIN {
        let source = "it ends within its first page".into();
        return Err(OpenError::Damaged { path: path(), source });
    }
    Ok(())
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(OpenError::from_sqlite(path))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(OpenError::from_sqlite(path))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// SQLite opens a file that it may not write all the same, and would only say so at the first write.
fn refuse_read_only(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let is_read_only = connection.is_readonly(MAIN_DB).map_err(OpenError::from_sqlite(path))?;
    if is_read_only {
        return Err(not_writable(path)(io::ErrorKind::PermissionDenied.into()));
    }
    Ok(())
}

/// Full durability: what was answered survives a power cut. It costs a sync for each write, and writes are rare.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)
}
