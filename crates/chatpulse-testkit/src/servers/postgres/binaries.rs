//! The installed PostgreSQL: where its programs are, and the account that runs them.

use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{PASSWORD, USER};

/// Where packages install programs that are not in the `PATH`. Each has a folder for each version.
const PARENTS: [&str; 4] = ["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt", "/usr/local/opt"];

/// The account that packages create: PostgreSQL refuses to run as root.
const ACCOUNT: &str = "postgres";

/// A folder with `initdb` and `postgres`, and the account that runs them.
#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    /// `None` if the tests do not run as root.
    account: Option<Account>,
}

#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl fmt::Display for Binaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the installed {}", self.folder.join("postgres").display())
    }
}

impl Binaries {
    /// Finds the newest installed version.
    pub(super) fn find() -> Option<Self> {
        let folder = in_path().into_iter().chain(of_packages()).find(|folder| has_programs(folder))?;
        Some(Self { folder, account: account() })
    }

    /// Creates a folder that only the account can read. The shell that stops the server removes it.
    pub(super) fn create_folder(&self) -> PathBuf {
        let folder = tempfile::Builder::new().prefix("chatpulse-postgres-").tempdir().unwrap().keep();
        self.give_to_account(&folder);
        folder
    }

    /// Makes the account the owner of a file or folder, if that exists.
    pub(super) fn give_to_account(&self, path: &Path) {
        if let Some(Account { uid, gid }) = self.account.filter(|_| path.exists()) {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }

    /// Initialises the data folder.
    pub(super) fn init(&self, folder: &Path, data: &Path) {
        let password = folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        self.give_to_account(&password);
        let mut initdb = self.command(&self.folder.join("initdb"), folder);
        // `password` instead of SCRAM, whose thousands of hashes are slow in a debug build.
        initdb.args(["-U", USER, "-A", "password", "-E", "UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("--pwfile").arg(&password).arg("-D").arg(data);
        let output = initdb.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The path of the server program.
    pub(super) fn server(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// A command that runs as the account, in a folder that it can enter. It gets a process group of its own, so that an
    /// interrupt from the keyboard reaches only the tests.
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

/// The account to run as; `None` if the tests do not run as root.
fn account() -> Option<Account> {
    let own_uid = tempfile::tempfile().unwrap().metadata().unwrap().uid();
    if own_uid != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = fields.into_iter().find(|fields| fields.first() == Some(&ACCOUNT));
    let fields = found.unwrap_or_else(|| {
        panic!("PostgreSQL does not run as root, and there is no user `{ACCOUNT}`: create it with `useradd -r {ACCOUNT}`")
    });
    Some(Account { uid: fields[2].parse().unwrap(), gid: fields[3].parse().unwrap() })
}
