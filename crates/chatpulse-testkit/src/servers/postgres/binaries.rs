//! The machine's own PostgreSQL: where its programs are, and who may run them.

use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{PASSWORD, USER};

/// Where packages put server programs that are not in the `PATH`: each of these has a folder for each version.
const PARENTS: [&str; 4] = ["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt", "/usr/local/opt"];

/// PostgreSQL does not run as root; this user is there wherever it was installed from a package.
const ACCOUNT: &str = "postgres";

/// A folder with `initdb` and `postgres`, and the user they run as.
#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    /// `None` where the tests run as somebody who is not root.
    account: Option<Account>,
}

#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl fmt::Display for Binaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the machine's own {}", self.folder.join("postgres").display())
    }
}

impl Binaries {
    /// `None` where there are none.
    pub(super) fn find() -> Option<Self> {
        let folder = in_path().into_iter().chain(of_packages()).find(|folder| has_programs(folder))?;
        Some(Self { folder, account: account() })
    }

    /// A new folder that only they can read. Whoever stops the server removes it.
    pub(super) fn create_folder(&self) -> PathBuf {
        let folder = tempfile::Builder::new().prefix("chatpulse-postgres-").tempdir().unwrap().keep();
        self.hand_over(&folder);
        folder
    }

    /// Gives them a file or folder, if it is there.
    pub(super) fn hand_over(&self, path: &Path) {
        if let Some(Account { uid, gid }) = self.account.filter(|_| path.exists()) {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }

    /// Makes a cluster of databases in `data`.
    pub(super) fn init(&self, folder: &Path, data: &Path) {
        let password = folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        self.hand_over(&password);
        let mut initdb = self.command(&self.folder.join("initdb"), folder);
        // `password` instead of SCRAM, whose thousands of hashes take their time in a debug build.
        initdb.args(["-U", USER, "-A", "password", "-E", "UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("--pwfile").arg(&password).arg("-D").arg(data);
        let output = initdb.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The server itself.
    pub(super) fn server(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// A program that runs as them, in a folder that they can enter. A group of its own, so that an interrupt from
    /// the keyboard reaches only the tests.
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).process_group(0).env("LC_ALL", "C");
        if let Some(Account { uid, gid }) = self.account {
            command.uid(uid).gid(gid);
        }
        command
    }
}

fn has_programs(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

fn in_path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect()
}

/// The newest version first.
fn of_packages() -> Vec<PathBuf> {
    let versions = PARENTS.iter().filter_map(|parent| fs::read_dir(parent).ok()).flatten();
    let mut folders: Vec<_> =
        versions.filter_map(Result::ok).map(|version| version.path().join("bin")).collect();
    folders.retain(|folder| has_programs(folder));
    folders.sort();
    folders.reverse();
    folders
}

/// Whom to become; nobody but root has to.
fn account() -> Option<Account> {
    let mine = tempfile::tempfile().unwrap().metadata().unwrap().uid();
    if mine != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = fields.into_iter().find(|fields| fields.first() == Some(&ACCOUNT));
    let fields = found.unwrap_or_else(|| {
        panic!("PostgreSQL does not run as root, and there is no user `{ACCOUNT}` to run it: `useradd -r {ACCOUNT}`")
    });
    Some(Account { uid: fields[2].parse().unwrap(), gid: fields[3].parse().unwrap() })
}
