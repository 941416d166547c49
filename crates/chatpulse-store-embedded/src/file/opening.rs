//! Opens the file. Nothing is written before the file is known to be a whole database of ChatPulse.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB, OpenFlags};
use tracing::info;

use super::schema;
use crate::error::OpenError;

/// How long SQLite waits for the lock of another process, such as a backup. Well within the deadline of a query.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Cached statements: more than there are, so each is prepared once.
const STATEMENTS_MAX: usize = 64;

/// The first bytes of every SQLite file.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// The smallest page size of SQLite. A database has at least one page.
const PAGE_BYTES_MIN: u64 = 512;

/// An open connection, and the lock that keeps other processes out.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) migrations_pending: usize,
    /// Declared after the connection, so that the file is closed before it is unlocked.
    _lock: Option<File>,
}

/// Opens the file for a server: locks it, creates it if it does not exist, and migrates it.
pub(super) fn to_serve(path: &Path) -> Result<Opened, OpenError> {
    create_folder_of(path)?;
    let lock = lock(path)?;
    create_file(path)?;
    refuse_other_files(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    refuse_read_only(&connection, path)?;
    schema::inspect(&connection, path)?;
    configure(&connection).map_err(OpenError::from_sqlite(path))?;
    let applied = schema::migrate(&mut connection, path)?;
    if applied > 0 {
        info!(applied, path = %path.display(), "applied migrations");
    }
    Ok(Opened { connection, migrations_pending: 0, _lock: Some(lock) })
}

/// Opens the file for a check, beside a running server. Changes nothing.
pub(super) fn to_check(path: &Path) -> Result<Opened, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    refuse_other_files(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    schema::inspect(&connection, path)?;
    let migrations_pending = schema::pending(&connection).map_err(OpenError::from_sqlite(path))?;
    Ok(Opened { connection, migrations_pending, _lock: None })
}

/// Opens a database in memory, for the demo and for tests.
pub(super) fn in_memory(path: &Path) -> Result<Opened, OpenError> {
    let mut connection = Connection::open_in_memory().map_err(OpenError::from_sqlite(path))?;
    configure(&connection).map_err(OpenError::from_sqlite(path))?;
    schema::migrate(&mut connection, path)?;
    Ok(Opened { connection, migrations_pending: 0, _lock: None })
}

fn not_writable(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    move |error| OpenError::NotWritable { path: path.to_owned(), source: error.into() }
}

/// Other users get no access to created folders: the file contains tokens.
fn create_folder_of(path: &Path) -> Result<(), OpenError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(not_writable(folder))
}

/// Options for a file of its owner only. SQLite gives its other files the same mode.
fn for_owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Locks the file for the process that serves; the operating system unlocks it however the process ends. The lock is on a
/// file of its own, since SQLite uses locks on the database itself.
fn lock(path: &Path) -> Result<File, OpenError> {
    let lock_path = lock_path(path);
    let file = for_owner_only().create(true).truncate(false).open(&lock_path);
    let file = file.map_err(not_writable(&lock_path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(OpenError::Failed { path: lock_path, source: error.into() }),
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

/// Checks the first bytes before SQLite does. SQLite would take a very short file for an empty one and overwrite it.
fn refuse_other_files(path: &Path) -> Result<(), OpenError> {
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

pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(OpenError::from_sqlite(path))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(OpenError::from_sqlite(path))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// SQLite opens a file without write permission all the same, and would report it only at the first write.
fn refuse_read_only(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let is_read_only = connection.is_readonly(MAIN_DB).map_err(OpenError::from_sqlite(path))?;
    if is_read_only {
        return Err(not_writable(path)(io::ErrorKind::PermissionDenied.into()));
    }
    Ok(())
}

/// Sets full durability: an answered write survives a power cut. It costs a sync for each write, and writes are rare.
/// What is deleted is overwritten in the file.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", true)
}
