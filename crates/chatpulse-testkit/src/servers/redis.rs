//! Redis for tests. Use [`RedisServer::find`] where any Redis will do, [`RedisServer::start`] for one that the test kills,
//! pauses or empties, and [`RedisCluster::start`] for three nodes.

mod cluster;

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::docker::{self, Container};
use super::{Process, free_port, is_installed};
pub use cluster::RedisCluster;

/// The variable with the URL of a given server. Only tests that leave it unchanged use it.
const GIVEN: &str = "TEST_REDIS_URL";

const PROGRAM: &str = "redis-server";

/// The user in `docs/operations/fleet.md`.
const DOCUMENTED_USER: &str = "chatpulse";

const PASSWORD: &str = "of-a-test";

/// Tries with other ports: another process may take the port before the server does.
const TRIES: usize = 5;

/// A Redis for tests. If it was started here, it ends when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    url: String,
    /// `None` for a given server.
    own: Option<Own>,
}

/// The process of a server that was started here.
#[derive(Debug)]
enum Running {
    Local(Process),
    InDocker(Container),
}

#[derive(Debug)]
struct Own {
    process: Option<Running>,
    folder: TempDir,
    port: u16,
    extra: Vec<String>,
}

impl RedisServer {
    /// Returns the server that `TEST_REDIS_URL` names, else starts one. Prints which.
    pub fn find() -> Self {
        let given = env::var(GIVEN).ok().filter(|url| !url.is_empty());
        match given {
            Some(url) => {
                println!("testing with the Redis that {GIVEN} names");
                Self { url, own: None }
            }
            None => Self::start(),
        }
    }

    /// Starts an empty server on a port of its own.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more options, such as `["--maxmemory", "2mb"]`.
    pub fn start_with(extra: &[&str]) -> Self {
        let own = Own::start(extra.iter().map(|option| (*option).to_owned()).collect(), |port| {
            vec!["--port".to_owned(), port.to_string()]
        });
        println!("testing with {} on port {}", own.place(), own.port);
        Self { url: format!("redis://127.0.0.1:{}", own.port), own: Some(own) }
    }

    /// Starts a server that accepts only TLS, with a certificate for `localhost`. It trusts `authority.crt` beside the
    /// certificate, if that exists.
    pub fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        let own = Own::start(tls_options(certificate, key), |port| {
            ["--port", "0", "--tls-port", &port.to_string()].map(str::to_owned).to_vec()
        });
        println!("testing with {} on port {} with TLS", own.place(), own.port);
        Self { url: format!("rediss://localhost:{}", own.port), own: Some(own) }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its port. Panics for a given server.
    pub fn port(&self) -> u16 {
        self.own().port
    }

    /// Kills it. Its data is lost.
    pub fn kill(&mut self) {
        self.own_mut().process = None;
    }

    /// Starts it again on the same port, empty.
    pub fn restart(&mut self) {
        let own = self.own_mut();
        own.process = None;
        let port = own.port;
        let options = ["--port".to_owned(), port.to_string()].into_iter().chain(own.extra.clone());
        own.process = Some(run(own.folder.path(), options).unwrap());
    }

    /// Stops its process; connections stay open without an answer.
    pub fn pause(&self) {
        self.process().signal("STOP", docker::Command::Pause);
    }

    /// Continues its process.
    pub fn resume(&self) {
        self.process().signal("CONT", docker::Command::Unpause);
    }

    /// Sends a command without any adapter, and returns the raw answer.
    pub fn ask(&self, words: &[&str]) -> String {
        ask(self.port(), words)
    }

    /// Creates the user as `docs/operations/fleet.md` says, and returns the server's URL with it.
    pub fn create_documented_user(&self) -> String {
        self.ask(&documented_user().split(' ').collect::<Vec<_>>());
        self.url.replace("://", &format!("://{DOCUMENTED_USER}:{PASSWORD}@"))
    }

    /// What users tried without being allowed to, as the server logged it; empty if nothing.
    pub fn denied(&self) -> String {
        let log = self.ask(&["ACL", "LOG"]);
        if log == "*0\r\n" { String::new() } else { log }
    }

    fn own(&self) -> &Own {
        self.own.as_ref().expect("the server was started here")
    }

    fn own_mut(&mut self) -> &mut Own {
        self.own.as_mut().expect("the server was started here")
    }

    fn process(&self) -> &Running {
        self.own().process.as_ref().expect("it was killed")
    }
}

/// The command in `docs/operations/fleet.md`.
fn documented_user() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations/fleet.md");
    let page = std::fs::read_to_string(page).unwrap();
    let begin = format!("ACL SETUSER {DOCUMENTED_USER} ");
    let line = page.lines().find(|line| line.starts_with(&begin));
    line.unwrap_or_else(|| panic!("no line begins with {begin}")).replace("PASSWORD", PASSWORD)
}

impl Own {
    fn start(extra: Vec<String>, listen: impl Fn(u16) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut last_output = String::new();
        for _ in 0..TRIES {
            let port = free_port();
            let options = listen(port).into_iter().chain(extra.clone());
            match run(folder.path(), options) {
                Ok(process) => return Self { process: Some(process), folder, port, extra },
                Err(output) => last_output = output,
            }
        }
        panic!("{PROGRAM} did not start: {last_output}");
    }

    fn place(&self) -> &'static str {
        match self.process {
            Some(Running::InDocker(_)) => "a redis-server in Docker",
            _ => "an installed redis-server",
        }
    }
}

impl Running {
    fn signal(&self, signal: &str, command: docker::Command) {
        match self {
            Self::Local(process) => process.signal(signal),
            Self::InDocker(container) => container.run(command).unwrap(),
        }
    }
}

/// Options for a server with this certificate that requires none of its clients.
fn tls_options(certificate: &Path, key: &Path) -> Vec<String> {
    let file = |path: &Path| path.to_str().unwrap().to_owned();
    let authority = certificate.with_file_name("authority.crt");
    let trusted = if authority.is_file() { file(&authority) } else { file(certificate) };
    let own = ["--tls-cert-file", &file(certificate), "--tls-key-file", &file(key)].map(str::to_owned);
    let others = ["--tls-ca-cert-file", &trusted, "--tls-auth-clients", "no"].map(str::to_owned);
    [own, others].concat()
}

/// Starts a server that stores nothing on disk unless an option says so.
fn run(folder: &Path, options: impl IntoIterator<Item = String>) -> Result<Running, String> {
    let fixed = ["--save", "", "--bind", "127.0.0.1"].map(str::to_owned);
    let options: Vec<String> = fixed.into_iter().chain(options).collect();
    if is_installed(PROGRAM) {
        let mut command = Command::new(PROGRAM);
        command.arg("--dir").arg(folder).args(options);
        return Process::start(&mut command, "Ready to accept connections").map(Running::Local);
    }
    match Container::redis(&options) {
        Ok(container) => Ok(Running::InDocker(container)),
        Err(why) => panic!(
            "no Redis to test with: set {GIVEN}, or install `{PROGRAM}` 7 or later (Debian, Ubuntu: \
             `apt-get install redis-server`; macOS: `brew install redis`), or start Docker ({why})"
        ),
    }
}

/// Sends one command without a client, with the minimum of Redis' protocol, and returns the raw answer.
fn ask(port: u16, words: &[&str]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "*{}\r\n", words.len()).unwrap();
    for word in words {
        write!(stream, "${}\r\n{word}\r\n", word.len()).unwrap();
    }
    // QUIT makes the server close the connection, which ends the answer.
    write!(stream, "*1\r\n$4\r\nQUIT\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.trim_end_matches("+OK\r\n").to_owned()
}
