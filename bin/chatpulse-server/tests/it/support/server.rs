//! The binary as a child process: its folder, environment, log and exit status.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use reqwest::redirect;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::SOON;

const BINARY: &str = env!("CARGO_BIN_EXE_chatpulse");

/// Retries, because another process may take a free port before the server binds it.
const PORT_ATTEMPTS: usize = 5;

/// How a server is started. It does not inherit the test's environment.
#[derive(Clone)]
pub(crate) struct Setup {
    folder: Arc<TempDir>,
    /// A shell command that runs before the binary takes its place, such as `ulimit -n 300`.
    prelude: Option<&'static str>,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl Setup {
    /// Returns a setup with an empty folder and no variables.
    pub(crate) fn bare() -> Self {
        Self {
            folder: Arc::new(TempDir::new().unwrap()),
            prelude: None,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
        }
    }

    /// Returns the minimum setup for `serve`, with an unreachable Twitch.
    pub(crate) fn minimal() -> Self {
        Self::bare()
            .set("TWITCH_CLIENT_ID", "test-client")
            .set("TWITCH_CLIENT_SECRET", "test-client-secret-0123456789")
            .set("TWITCH_REDIRECT_URI", "http://localhost/auth/callback")
            .set("TWITCH_AUTH_URL", "http://127.0.0.1:9/oauth2")
            .set("TWITCH_API_URL", "http://127.0.0.1:9/helix")
            .set("TWITCH_EVENTSUB_WS_URL", "ws://127.0.0.1:9/ws")
    }

    #[must_use]
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Runs this shell command first, in the process that then becomes the binary.
    #[must_use]
    pub(crate) fn after(mut self, prelude: &'static str) -> Self {
        self.prelude = Some(prelude);
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn spawn(&self) -> Child {
        let mut command = match self.prelude {
            None => Command::new(BINARY),
            Some(prelude) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("{prelude}; exec \"$0\" \"$@\"")).arg(BINARY);
                shell
            }
        };
        command
            .args(&self.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(&self.environment)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Runs the command until it exits.
    pub(crate) async fn run(&self) -> Finished {
        let output = timeout(SOON, self.spawn().wait_with_output())
            .await
            .expect("the command ends by itself")
            .unwrap();
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A command that has exited.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The output of a process, read as it is written.
pub(crate) struct Output {
    text: watch::Receiver<String>,
    reading: JoinHandle<()>,
}

impl Output {
    fn of(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, text) = watch::channel(String::new());
        let reading = tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|text| {
                    text.push_str(&line);
                    text.push('\n');
                });
            }
        });
        Self { text, reading }
    }

    pub(crate) fn text(&self) -> String {
        self.text.borrow().clone()
    }

    /// Waits until the output contains this text. Returns false if the process exited first.
    pub(crate) async fn says(&mut self, words: &str) -> bool {
        let found = self.text.wait_for(|text| text.contains(words));
        timeout(SOON, found).await.is_ok_and(|found| found.is_ok())
    }

    async fn whole(&mut self) -> String {
        let _ = (&mut self.reading).await;
        self.text()
    }
}

/// A running server. It is killed when dropped; a failing test prints its log.
pub(crate) struct Server {
    pub(crate) base: String,
    pub(crate) port: u16,
    pub(crate) http: reqwest::Client,
    pub(crate) log: Output,
    pub(crate) stdout: Output,
    child: Child,
    setup: Setup,
}

impl Server {
    /// Starts the server and waits until it listens.
    pub(crate) async fn start(setup: Setup) -> Self {
        Self::start_with(|_| setup.clone()).await
    }

    /// Like `start`, for a setup that depends on the port.
    pub(crate) async fn start_with(setup: impl Fn(u16) -> Setup) -> Self {
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port().await;
            let setup = setup(port).set("PORT", port.to_string());
            let mut server = Self::launch(setup, port);
            if server.log.says("listens on").await {
                return server;
            }
            let log = server.log.whole().await;
            assert!(log.contains("is taken"), "the server did not start:\n{log}");
        }
        panic!("no port was free for long enough");
    }

    /// Starts the server without waiting until it listens.
    pub(crate) fn launch(setup: Setup, port: u16) -> Self {
        let mut child = setup.spawn();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self {
            base: format!("http://127.0.0.1:{port}"),
            port,
            http: http_client(),
            log: Output::of(stderr),
            stdout: Output::of(stdout),
            child,
            setup,
        }
    }

    /// Returns the setup, to restart the server in the same folder.
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// Sends `TERM`, `INT`, `HUP` or `KILL`.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.pid();
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("kill -{name} {pid}"));
        assert!(command.status().await.unwrap().success());
    }

    /// Waits until the process exits. Returns its status and the complete log.
    pub(crate) async fn ended(&mut self) -> (ExitStatus, String) {
        let status = timeout(SOON, self.child.wait()).await.expect("the server ends in time").unwrap();
        (status, self.log.whole().await)
    }

    /// Stops the server and waits until it has exited.
    pub(crate) async fn stop(mut self) -> (ExitStatus, String) {
        self.signal("TERM").await;
        self.ended().await
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}---", self.base, self.log.text());
        }
    }
}

/// Returns a client without redirects, proxy or cookies.
pub(crate) fn http_client() -> reqwest::Client {
    // An error means that another test in this process already installed a provider, which is sufficient.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(SOON).build().unwrap()
}

/// Returns a free port below the ephemeral range, so that no outgoing connection takes it meanwhile.
pub(crate) async fn free_port() -> u16 {
    loop {
        let bits = uuid::Uuid::new_v4().as_u128() % 20_000;
        let port = 12_000 + u16::try_from(bits).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}
