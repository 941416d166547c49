//! PostgreSQL for tests. [`Database::fresh`] where any server will do, [`PostgresServer::start`] for one that may be
//! stopped, killed and started again.
//!
//! All tests of a process share one server and have a database each. A server that was started here never outlives
//! the process, however that ends.

mod binaries;
mod database;
mod keeper;

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::docker::{Container, Order};
use super::process::free_port;
use binaries::Binaries;
pub use database::{Connected, Database};
use keeper::{Ending, Keeper};

/// The user and the password of servers that are started here.
const USER: &str = "chatpulse";
const PASSWORD: &str = "of-a-test";

/// Tries with another port: somebody may take ours before the server does.
const TRIES: usize = 5;

/// A server in Docker that starts again takes connections within this.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// Fast instead of safe: what a test wrote is gone with it anyway.
const SETTINGS: [&str; 8] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    // Every test has pools of its own.
    "max_connections=300",
    "shared_buffers=32MB",
    "logging_collector=off",
];

/// A throw-away PostgreSQL of the machine's own binaries, or in Docker. It ends when this is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    place: Place,
}

#[derive(Debug)]
enum Place {
    OnTheMachine(OnTheMachine),
    InDocker(Container),
}

#[derive(Debug)]
struct OnTheMachine {
    binaries: Binaries,
    folder: PathBuf,
    settings: Vec<String>,
    keeper: Option<Keeper>,
}

impl PostgresServer {
    /// A new one, empty, on a port of its own, without TLS.
    pub fn start() -> Self {
        match Binaries::find() {
            Some(binaries) => Self::start_with(binaries, Vec::new(), |_| {}),
            None => Self::start_in_docker(),
        }
    }

    /// A new one that takes nothing but TLS, with this certificate and key.
    pub fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        let settings = ["ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key"];
        let prepare = |data: &Path| {
            fs::copy(certificate, data.join("server.crt")).unwrap();
            fs::copy(key, data.join("server.key")).unwrap();
            fs::set_permissions(data.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
            fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 password\n").unwrap();
        };
        let Some(binaries) = Binaries::find() else {
            panic!("{}; with TLS it is not tested in Docker", none_to_test_with(""));
        };
        Self::start_with(binaries, settings.map(str::to_owned).to_vec(), prepare)
    }

    fn start_with(binaries: Binaries, settings: Vec<String>, prepare: impl Fn(&Path)) -> Self {
        let folder = binaries.create_folder();
        let mut server = OnTheMachine { binaries, folder, settings, keeper: None };
        let data = server.data();
        server.binaries.init(&server.folder, &data);
        prepare(&data);
        for name in ["server.crt", "server.key"] {
            server.binaries.hand_over(&data.join(name));
        }
        let mut last_words = String::new();
        for _ in 0..TRIES {
            let port = free_port();
            match server.run(port) {
                Ok(()) => {
                    eprintln!("testing with {} on port {port}", server.binaries);
                    return Self { port, place: Place::OnTheMachine(server) };
                }
                Err(words) => last_words = words,
            }
        }
        panic!("{} did not start: {last_words}", server.binaries);
    }

    fn start_in_docker() -> Self {
        let port = free_port();
        // Its own folder for sockets and its own users are as good as ours.
        let settings = SETTINGS.into_iter().filter(|setting| !setting.starts_with("unix_socket"));
        let settings: Vec<String> = settings.map(str::to_owned).chain([format!("port={port}")]).collect();
        let container = Container::postgres(USER, PASSWORD, &settings)
            .unwrap_or_else(|why| panic!("{}", none_to_test_with(&format!(", or start Docker ({why})"))));
        eprintln!("testing with a PostgreSQL in Docker on port {port}");
        Self { port, place: Place::InDocker(container) }
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of one of its databases; `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// A new database, dropped with what this returns.
    pub async fn database(&self) -> Database {
        Database::on(&self.url("postgres")).await
    }

    /// Ends every connection and shuts down.
    pub fn stop(&mut self) {
        self.end(Ending::Shutdown, Order::Stop);
    }

    /// Crashes it: nobody gets a word, and it recovers when it starts again.
    pub fn kill(&mut self) {
        self.end(Ending::Crash, Order::Kill);
    }

    /// Starts it again on the same port, with what it held.
    pub fn restart(&mut self) {
        self.stop();
        match &mut self.place {
            Place::OnTheMachine(server) => server.run(self.port).unwrap(),
            Place::InDocker(container) => {
                container.order(Order::Start).unwrap();
                wait_until_taken(self.port);
            }
        }
    }

    fn end(&mut self, ending: Ending, order: Order) {
        match &mut self.place {
            Place::OnTheMachine(server) => server.end(ending),
            Place::InDocker(container) => container.order(order).unwrap(),
        }
    }
}

/// What to do about it.
fn none_to_test_with(docker: &str) -> String {
    format!(
        "no PostgreSQL to test with: set TEST_DATABASE_URL, or install PostgreSQL 15 or later (Debian, Ubuntu: \
         `apt-get install postgresql`; macOS: `brew install postgresql@16`){docker}"
    )
}

/// A container says that it runs before the server in it takes anybody.
fn wait_until_taken(port: u16) {
    let deadline = Instant::now() + TAKEN_WITHIN;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the PostgreSQL in Docker did not start again");
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl OnTheMachine {
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

impl Drop for OnTheMachine {
    fn drop(&mut self) {
        match self.keeper.take() {
            Some(keeper) => keeper.end(Ending::ForGood),
            None => drop(fs::remove_dir_all(&self.folder)),
        }
    }
}
