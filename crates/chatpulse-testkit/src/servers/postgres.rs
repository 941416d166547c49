//! PostgreSQL for tests. Use [`Database::fresh`] where any server will do, and [`PostgresServer::start`] for a server that
//! the test stops, kills and starts again.
//!
//! All tests of a process share one server and have a database each. A server that was started here ends with the process,
//! however that ends.

mod binaries;
mod database;
mod keeper;
mod pgbouncer;

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::docker::{Command, Container};
use super::free_port;
use binaries::Binaries;
pub use database::{Connected, Database};
use keeper::{Ending, Keeper};
pub use pgbouncer::PgBouncer;

/// The user and the password of servers that are started here.
const USER: &str = "chatpulse";
const PASSWORD: &str = "of-a-test";

/// Tries with other ports: another process may take the port before the server does.
const TRIES: usize = 5;

/// Deadline for a restarted server in Docker to accept connections.
const ACCEPTS_WITHIN: Duration = Duration::from_secs(30);

/// Fast instead of durable: the data of a test is deleted anyway.
const SETTINGS: [&str; 8] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    // Every test opens its own pools.
    "max_connections=300",
    "shared_buffers=32MB",
    "logging_collector=off",
];

/// A temporary PostgreSQL from installed programs or in Docker. It ends when this is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    process: Process,
}

#[derive(Debug)]
enum Process {
    Local(LocalServer),
    InDocker(Container),
}

#[derive(Debug)]
struct LocalServer {
    binaries: Binaries,
    folder: PathBuf,
    settings: Vec<String>,
    keeper: Option<Keeper>,
}

impl PostgresServer {
    /// Starts an empty server on a port of its own, without TLS.
    pub fn start() -> Self {
        match Binaries::find() {
            Some(binaries) => Self::start_with(binaries, Vec::new(), |_| {}),
            None => Self::start_in_docker(),
        }
    }

    /// Starts a server that accepts only TLS, with this certificate and key.
    pub fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        let settings = ["ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key"];
        let prepare = |data: &Path| {
            fs::copy(certificate, data.join("server.crt")).unwrap();
            fs::copy(key, data.join("server.key")).unwrap();
            fs::set_permissions(data.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
            fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 password\n").unwrap();
        };
        let Some(binaries) = Binaries::find() else {
            panic!("{}; the tests of TLS do not use Docker", no_server_message(""));
        };
        Self::start_with(binaries, settings.map(str::to_owned).to_vec(), prepare)
    }

    fn start_with(binaries: Binaries, settings: Vec<String>, prepare: impl Fn(&Path)) -> Self {
        let folder = binaries.create_folder();
        let mut server = LocalServer { binaries, folder, settings, keeper: None };
        let data = server.data();
        server.binaries.init(&server.folder, &data);
        prepare(&data);
        for name in ["server.crt", "server.key"] {
            server.binaries.give_to_account(&data.join(name));
        }
        let mut last_output = String::new();
        for _ in 0..TRIES {
            let port = free_port();
            match server.run(port) {
                Ok(()) => {
                    eprintln!("testing with {} on port {port}", server.binaries);
                    return Self { port, process: Process::Local(server) };
                }
                Err(output) => last_output = output,
            }
        }
        panic!("{} did not start: {last_output}", server.binaries);
    }

    fn start_in_docker() -> Self {
        let port = free_port();
        // The image has its own folder for sockets.
        let settings = SETTINGS.into_iter().filter(|setting| !setting.starts_with("unix_socket"));
        let settings: Vec<String> = settings.map(str::to_owned).chain([format!("port={port}")]).collect();
        let container = Container::postgres(USER, PASSWORD, &settings)
            .unwrap_or_else(|why| panic!("{}", no_server_message(&format!(", or start Docker ({why})"))));
        eprintln!("testing with a PostgreSQL in Docker on port {port}");
        Self { port, process: Process::InDocker(container) }
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of one of its databases; `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Creates a database, which is dropped with the return value.
    pub async fn database(&self) -> Database {
        Database::on(&self.url("postgres")).await
    }

    /// Shuts it down, and closes every connection.
    pub fn stop(&mut self) {
        self.end(Ending::Shutdown, Command::Stop);
    }

    /// Crashes it: it closes no connection properly, and recovers at its next start.
    pub fn kill(&mut self) {
        self.end(Ending::Crash, Command::Kill);
    }

    /// Starts it again on the same port with its data.
    pub fn restart(&mut self) {
        self.stop();
        match &mut self.process {
            Process::Local(server) => server.run(self.port).unwrap(),
            Process::InDocker(container) => {
                container.run(Command::Start).unwrap();
                wait_until_accepting(self.port);
            }
        }
    }

    fn end(&mut self, ending: Ending, command: Command) {
        match &mut self.process {
            Process::Local(server) => server.end(ending),
            Process::InDocker(container) => container.run(command).unwrap(),
        }
    }
}

/// Says what to install.
fn no_server_message(docker: &str) -> String {
    format!(
        "no PostgreSQL to test with: set TEST_DATABASE_URL, or install PostgreSQL 15 or later (Debian, Ubuntu: \
         `apt-get install postgresql`; macOS: `brew install postgresql@16`){docker}"
    )
}

/// Docker reports a container as running before the server in it accepts connections.
fn wait_until_accepting(port: u16) {
    let deadline = Instant::now() + ACCEPTS_WITHIN;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the PostgreSQL in Docker did not start again");
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl LocalServer {
    fn end(&mut self, ending: Ending) {
        if let Some(keeper) = self.keeper.take() {
            keeper.end(ending);
        }
    }

    fn run(&mut self, port: u16) -> Result<(), String> {
        let port = format!("port={port}");
        let settings = SETTINGS.into_iter().chain([port.as_str()]);
        let settings = settings.chain(self.settings.iter().map(String::as_str));
        let data = self.data();
        let mut arguments = vec!["-D", data.to_str().unwrap()];
        arguments.extend(settings.flat_map(|setting| ["-c", setting]));
        self.keeper = Some(Keeper::start(&self.binaries, &self.folder, &arguments)?);
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        match self.keeper.take() {
            Some(keeper) => keeper.end(Ending::ForGood),
            None => drop(fs::remove_dir_all(&self.folder)),
        }
    }
}
