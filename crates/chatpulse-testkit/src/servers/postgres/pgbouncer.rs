//! PgBouncer in transaction mode in front of a server: consecutive transactions of one client go through different
//! connections, which other clients use in between.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::binaries::Binaries;
use super::{Database, PASSWORD, PostgresServer, TRIES, USER};
use crate::servers::{Process, free_port};

const PROGRAM: &str = "pgbouncer";

/// Where Debian's package puts it; not in the `PATH` of everybody.
const OF_PACKAGE: &str = "/usr/sbin/pgbouncer";

/// Connections to each database: fewer than its clients, so that they share them.
const CONNECTIONS: usize = 2;

/// A PgBouncer that ends when this is dropped.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    _process: Process,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts one in front of a server from installed programs.
    pub fn start(server: &PostgresServer) -> Self {
        let Some(binaries) = Binaries::find() else {
            panic!("the tests of PgBouncer do not use Docker: install PostgreSQL");
        };
        let program = program();
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("users.txt");
        fs::write(&users, format!("\"{USER}\" \"{PASSWORD}\"\n")).unwrap();
        for path in [folder.path(), &users] {
            binaries.give_to_account(path);
        }
        let mut last_output = String::new();
        for _ in 0..TRIES {
            let port = free_port();
            let settings = folder.path().join("pgbouncer.ini");
            fs::write(&settings, settings_for(server.port(), port, &users)).unwrap();
            // It writes to standard error.
            let mut command = binaries.command(Path::new("sh"), folder.path());
            command.args(["-c", "exec \"$0\" \"$1\" 2>&1"]).arg(&program).arg(&settings);
            match Process::start(&mut command, "process up") {
                Ok(process) => {
                    eprintln!("testing with {} on port {port}", program.display());
                    return Self { port, _process: process, _folder: folder };
                }
                Err(output) => last_output = output,
            }
        }
        panic!("{} did not start: {last_output}", program.display());
    }

    /// The URL of a database through it.
    pub fn url(&self, database: &Database) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{}", self.port, database.name())
    }
}

fn settings_for(server: u16, port: u16, users: &Path) -> String {
    format!(
        "[databases]\n* = host=127.0.0.1 port={server}\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = plain\nauth_file = {}\npool_mode = transaction\n\
         default_pool_size = {CONNECTIONS}\nmax_client_conn = 300\nlogfile =\npidfile =\n",
        users.display()
    )
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join(PROGRAM));
    let found = in_path.chain([PathBuf::from(OF_PACKAGE)]).find(|program| program.is_file());
    found.unwrap_or_else(|| {
        panic!("no PgBouncer to test with: install it (Debian, Ubuntu: `apt-get install pgbouncer`)")
    })
}
