//! Warns about files with accounts and keys that others on this machine can read.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::keys::beside;
use crate::settings::{Database, StoreSettings};

/// What group and others may do with a file.
const OTHERS: u32 = 0o077;

/// Returns one sentence for each file that others may read or change.
pub(crate) fn warnings(stores: &StoreSettings) -> Vec<String> {
    let Database::Sqlite { path } = &stores.database else { return Vec::new() };
    let of_sqlite = ["", "-wal", "-shm"].map(|end| with_end(path, end));
    of_sqlite.iter().chain([&beside(path)]).filter_map(|file| warning(file)).collect()
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn warning(file: &Path) -> Option<String> {
    let mode = std::fs::metadata(file).ok()?.mode() & 0o777;
    let shown = file.display();
    (mode & OTHERS != 0).then(|| {
        format!("others on this machine may read or change {shown} (its mode is {mode:o}); run `chmod 600 {shown}`")
    })
}
