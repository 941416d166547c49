//! Redis for tests. [`RedisServer::find`] where any Redis will do, [`RedisServer::start`] for one that may be killed,
//! paused and emptied, [`RedisCluster::start`] for three nodes.

mod cluster;
mod wire;

use std::env;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::docker::{Container, Order};
use super::process::{Process, free_port, is_installed};
pub use cluster::RedisCluster;

/// A given server's address; only used where a test leaves it as it found it.
const GIVEN: &str = "TEST_REDIS_URL";

const PROGRAM: &str = "redis-server";

/// Tries with another port: somebody may take ours before the server does.
const TRIES: usize = 5;

/// A Redis to test with. One that was started here ends when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    url: String,
    /// `None` for a server that was given to us.
    own: Option<Own>,
}

/// Where one that was started here runs.
#[derive(Debug)]
enum Running {
    OnTheMachine(Process),
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
    /// The one that `TEST_REDIS_URL` names, else a new one of the machine's own `redis-server`. Says which.
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

    /// A new one, empty, on a port of its own.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A new one with more options, such as `["--maxmemory", "2mb"]`.
    pub fn start_with(extra: &[&str]) -> Self {
        let own = Own::start(extra.iter().map(|option| (*option).to_owned()).collect(), |port| {
            vec!["--port".to_owned(), port.to_string()]
        });
        println!("testing with {} on port {}", own.place(), own.port);
        Self { url: format!("redis://127.0.0.1:{}", own.port), own: Some(own) }
    }

    /// A new one that only speaks TLS, with a certificate for `localhost`. `authority.crt` beside it, where there is one,
    /// is what it trusts itself.
    pub fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        let own = Own::start(tls_options(certificate, key), |port| {
            ["--port", "0", "--tls-port", &port.to_string()].map(str::to_owned).to_vec()
        });
        println!("testing with {} on port {} with TLS", own.place(), own.port);
        Self { url: format!("rediss://localhost:{}", own.port), own: Some(own) }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its port on this machine; only of one that was started here.
    pub fn port(&self) -> u16 {
        self.own().port
    }

    /// Kills it without warning. What it held is gone.
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

    /// Stops it in the middle of whatever it does; connections stay open and silent.
    pub fn pause(&self) {
        self.process().order("STOP", Order::Pause);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.process().order("CONT", Order::Unpause);
    }

    /// Asks it something past every adapter, and returns the raw answer.
    pub fn ask(&self, words: &[&str]) -> String {
        wire::ask(self.port(), words)
    }

    fn own(&self) -> &Own {
        self.own.as_ref().expect("only a server that was started here")
    }

    fn own_mut(&mut self) -> &mut Own {
        self.own.as_mut().expect("only a server that was started here")
    }

    fn process(&self) -> &Running {
        self.own().process.as_ref().expect("it was killed")
    }
}

impl Own {
    fn start(extra: Vec<String>, listen: impl Fn(u16) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut last_words = String::new();
        for _ in 0..TRIES {
            let port = free_port();
            let options = listen(port).into_iter().chain(extra.clone());
            match run(folder.path(), options) {
                Ok(process) => return Self { process: Some(process), folder, port, extra },
                Err(words) => last_words = words,
            }
        }
        panic!("{PROGRAM} did not start: {last_words}");
    }

    fn place(&self) -> &'static str {
        match self.process {
            Some(Running::InDocker(_)) => "a redis-server in Docker",
            _ => "the machine's own redis-server",
        }
    }
}

impl Running {
    fn order(&self, signal: &str, order: Order) {
        match self {
            Self::OnTheMachine(process) => process.signal(signal),
            Self::InDocker(container) => container.order(order).unwrap(),
        }
    }
}

/// A server that shows this certificate, and asks its clients for none.
fn tls_options(certificate: &Path, key: &Path) -> Vec<String> {
    let file = |path: &Path| path.to_str().unwrap().to_owned();
    let authority = certificate.with_file_name("authority.crt");
    let trusted = if authority.is_file() { file(&authority) } else { file(certificate) };
    let own = ["--tls-cert-file", &file(certificate), "--tls-key-file", &file(key)].map(str::to_owned);
    let others = ["--tls-ca-cert-file", &trusted, "--tls-auth-clients", "no"].map(str::to_owned);
    [own, others].concat()
}

/// Keeps nothing on disk but what it is told to.
fn run(folder: &Path, options: impl IntoIterator<Item = String>) -> Result<Running, String> {
    let fixed = ["--save", "", "--bind", "127.0.0.1"].map(str::to_owned);
    let options: Vec<String> = fixed.into_iter().chain(options).collect();
    if is_installed(PROGRAM) {
        let mut command = Command::new(PROGRAM);
        command.arg("--dir").arg(folder).args(options);
        return Process::start(&mut command, "Ready to accept connections").map(Running::OnTheMachine);
    }
    match Container::redis(&options) {
        Ok(container) => Ok(Running::InDocker(container)),
        Err(why) => panic!(
            "no Redis to test with: set {GIVEN}, or install `{PROGRAM}` 7 or later (Debian, Ubuntu: \
             `apt-get install redis-server`; macOS: `brew install redis`), or start Docker ({why})"
        ),
    }
}
