//! Files on a real disk: created, locked, refused.

use std::fs;
use std::path::{Path, PathBuf};

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_embedded::{OpenError, SqliteFile};
use chatpulse_testkit::builders as build;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::accounts_in;

fn new_path() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chatpulse.db");
    (folder, path)
}

async fn refused(path: &Path) -> OpenError {
    match SqliteFile::open(path).await {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

/// A database as a stopped server leaves it.
async fn stopped_server(path: &Path) {
    let file = SqliteFile::open(path).await.unwrap();
    let profile = build::profile("Ada");
    accounts_in(&file).streamers.sign_in(&profile, &build::sealed()).await.unwrap();
    file.close().await;
}

#[tokio::test]
async fn a_first_start_creates_folder_and_file_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("some/data");
    let file = SqliteFile::open(data.join("chatpulse.db")).await.unwrap();
    file.check().await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let mut names: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let expected = ["chatpulse.db", "chatpulse.db-shm", "chatpulse.db-wal", "chatpulse.db.lock"];
    assert_eq!(names, expected.map(|name| data.join(name)));
    for path in &names {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    file.close().await;
    assert!(!data.join("chatpulse.db-wal").exists(), "closing leaves one whole file");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_unchanged() {
    let (_folder, path) = new_path();
    let long = b"holiday photos ".repeat(1_000);
    for content in [b"x".as_slice(), b"holiday photos".as_slice(), &long] {
        fs::write(&path, content).unwrap();
        let error = refused(&path).await;
        assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
        assert!(error.to_string().contains("chatpulse.db is not a database of ChatPulse"));
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_unchanged() {
    let (_folder, path) = new_path();
    let theirs = Connection::open(&path).unwrap();
    theirs.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(theirs);
    let content = fs::read(&path).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), content);
}

/// The damage is in a table that a start does not read.
#[tokio::test]
async fn a_damaged_database_is_refused_and_unchanged() {
    let (_folder, path) = new_path();
    stopped_server(&path).await;
    let by_hand = Connection::open(&path).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'bot_grants'";
    let page: u32 = by_hand.query_row(root, [], |row| row.get(0)).unwrap();
    let page = usize::try_from(page).unwrap();
    drop(by_hand);
    let mut content = fs::read(&path).unwrap();
    content[(page - 1) * 4_096..page * 4_096].fill(0x55);
    fs::write(&path, &content).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), content);
}

#[tokio::test]
async fn a_truncated_database_is_refused_and_unchanged() {
    let (_folder, path) = new_path();
    stopped_server(&path).await;
    let whole = fs::read(&path).unwrap();
    for left in [1, 15, 16, 99, 100, 511, 512, 4_095, 4_096, 4_097, whole.len() / 2, whole.len() - 4_096] {
        fs::write(&path, &whole[..left]).unwrap();
        let error = refused(&path).await;
        let is_expected = matches!(error, OpenError::Damaged { .. } | OpenError::NotADatabase { .. });
        assert!(is_expected, "{error:?} with {left} bytes left");
        assert_eq!(fs::read(&path).unwrap(), whole[..left]);
    }
}

#[tokio::test]
async fn the_database_of_a_newer_version_is_refused_and_unchanged() {
    let (_folder, path) = new_path();
    stopped_server(&path).await;
    let by_hand = Connection::open(&path).unwrap();
    let later = "INSERT INTO refinery_schema_history VALUES (900, 'later', '2030-01-01T00:00:00Z', '1')";
    by_hand.execute_batch(later).unwrap();
    drop(by_hand);
    let content = fs::read(&path).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::Newer { found: 900, .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), content);
}

#[tokio::test]
async fn the_error_names_a_folder_that_cannot_be_created() {
    let (_folder, not_a_folder) = new_path();
    fs::write(&not_a_folder, "").unwrap();
    let error = refused(&not_a_folder.join("data/chatpulse.db")).await;
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
    assert!(error.to_string().starts_with("cannot write"), "{error}");
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_is_refused() {
    let (_folder, path) = new_path();
    fs::create_dir(&path).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_second_server_on_the_file_is_refused() {
    let (_folder, path) = new_path();
    let first = SqliteFile::open(&path).await.unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    first.check().await.unwrap();
    first.close().await;
    SqliteFile::open(&path).await.unwrap().check().await.unwrap();
}

#[tokio::test]
async fn a_check_works_beside_a_running_server_and_cannot_write() {
    let (_folder, path) = new_path();
    let server = SqliteFile::open(&path).await.unwrap();
    let written = accounts_in(&server);
    let ada = written.streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let check = SqliteFile::open_for_check(&path).await.unwrap();
    assert_eq!(check.migrations_pending, 0);
    let seen = accounts_in(&check.file);
    assert_eq!(seen.streamers.first().await.unwrap(), Some(ada.clone()));
    assert!(seen.streamers.rotate_overlay(ada.id).await.is_err());
    check.file.close().await;
    server.check().await.unwrap();
}

#[tokio::test]
async fn a_check_creates_nothing() {
    let (folder, path) = new_path();
    let missing = SqliteFile::open_for_check(&path).await;
    assert!(matches!(missing, Err(OpenError::Missing { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    fs::write(&path, "").unwrap();
    let empty = SqliteFile::open_for_check(&path).await.unwrap();
    assert!(empty.migrations_pending > 0);
    empty.file.close().await;
    assert!(fs::read(&path).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_can_migrate_at_once() {
    let (_folder, path) = new_path();
    let (a, b, c) =
        tokio::join!(SqliteFile::migrate(&path), SqliteFile::migrate(&path), SqliteFile::migrate(&path));
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
    let server = SqliteFile::open(&path).await.unwrap();
    SqliteFile::migrate(&path).await.unwrap();
    server.check().await.unwrap();
}
