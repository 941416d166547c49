//! The `chatpulse` program, started as a person starts it.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chatpulse_twitch_sim::{Sim, SimConfig, SimUser};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::tab::Tab;

const PROGRAM: &str = env!("CARGO_BIN_EXE_chatpulse");
const STARTS_WITHIN: Duration = Duration::from_secs(10);
/// Id, login and name of who streams beside the simulated Twitch.
pub(crate) const STREAMER: (&str, &str, &str) = ("1971641", "your_channel", "Your_Channel");

/// `chatpulse demo`, and the addresses it printed.
pub(crate) struct Demo {
    pub(crate) dashboard: String,
    pub(crate) overlay: String,
    _process: Child,
}

impl Demo {
    pub(crate) async fn start(options: &[&str]) -> anyhow::Result<Self> {
        let mut process = Command::new(PROGRAM)
            .args(["demo", "--port", "0"])
            .args(options)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().context("the demo has no output")?;
        let mut lines = BufReader::new(output).lines();
        let addresses = timeout(STARTS_WITHIN, addresses_in(&mut lines));
        let (dashboard, overlay) = addresses.await.context("the demo printed no addresses in time")??;
        // Whoever starts the demo in a terminal keeps the terminal open: it may go on talking.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { dashboard, overlay, _process: process })
    }

    /// Host and port.
    pub(crate) fn host(&self) -> &str {
        host_of(&self.dashboard)
    }
}

async fn addresses_in(lines: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<(String, String)> {
    let mut dashboard = None;
    while let Some(line) = lines.next_line().await? {
        match line.trim().split_once("  ") {
            Some(("Dashboard", url)) => dashboard = Some(url.to_owned()),
            Some(("Overlay", url)) => {
                let overlay = url.trim().to_owned();
                return Ok((dashboard.context("the overlay came before the dashboard")?, overlay));
            }
            _ => {}
        }
    }
    bail!("the demo ended before it printed its addresses")
}

/// `chatpulse serve` beside a Twitch in which nobody types.
pub(crate) struct Served {
    pub(crate) base: String,
    pub(crate) sim: Sim,
    environment: Vec<(String, String)>,
    folder: TempDir,
    process: Child,
}

impl Served {
    /// `extra` are variables beyond the necessary ones.
    pub(crate) async fn start(extra: &[(&str, &str)]) -> anyhow::Result<Self> {
        let (id, login, name) = STREAMER;
        let config = SimConfig { users: vec![SimUser::new(id, login, name)], ..SimConfig::default() };
        let (client_id, client_secret) = (config.client_id.clone(), config.client_secret.clone());
        let sim = Sim::start(config).await?;
        let port = free_port()?;
        let base = format!("http://127.0.0.1:{port}");
        let own = [
            ("PORT", port.to_string()),
            ("TWITCH_CLIENT_ID", client_id),
            ("TWITCH_CLIENT_SECRET", client_secret),
            ("TWITCH_REDIRECT_URI", format!("{base}/auth/callback")),
            ("TWITCH_AUTH_URL", sim.auth_url()),
            ("TWITCH_API_URL", sim.api_url()),
            ("TWITCH_EVENTSUB_WS_URL", sim.eventsub_ws_url()),
            ("LOG_LEVEL", "error".to_owned()),
        ];
        let environment: Vec<(String, String)> = own
            .into_iter()
            .chain(extra.iter().map(|(name, value)| (*name, (*value).to_owned())))
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let folder = TempDir::with_prefix("chatpulse-served-")?;
        let process = serve(port, &environment, &folder).await?;
        Ok(Self { base, sim, environment, folder, process })
    }

    /// Host and port.
    pub(crate) fn host(&self) -> &str {
        host_of(&self.base)
    }

    /// Host and port of the simulated Twitch.
    pub(crate) fn twitch(&self) -> String {
        host_of(&self.sim.auth_url()).to_owned()
    }

    /// Agrees beforehand at Twitch, so that the login needs one click.
    pub(crate) fn agree(&self) {
        self.sim.grant(STREAMER.0, &["channel:bot", "user:read:chat", "user:bot"]);
    }

    /// Logs in by pressing the button.
    pub(crate) async fn log_in(&self, tab: &Tab) -> anyhow::Result<()> {
        self.agree();
        tab.goto(&format!("{}/auth/login", self.base)).await?;
        tab.click(".button-twitch").await?;
        tab.until("location.pathname === '/dashboard' && document.readyState === 'complete'").await
    }

    /// The address of the overlay, as the dashboard knows it.
    pub(crate) async fn overlay_of(&self, dashboard: &Tab) -> anyhow::Result<String> {
        dashboard.eval("document.querySelector('[data-address]').dataset.url").await
    }

    /// Pulls the plug.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Starts again where it stood before, with what it had kept.
    pub(crate) async fn come_back(&mut self) -> anyhow::Result<()> {
        let port = self.base.rsplit(':').next().context("no port")?.parse()?;
        self.process = serve(port, &self.environment, &self.folder).await?;
        Ok(())
    }
}

async fn serve(port: u16, environment: &[(String, String)], folder: &TempDir) -> anyhow::Result<Child> {
    let process = Command::new(PROGRAM)
        .arg("serve")
        .env_clear()
        .envs(environment.iter().cloned())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let deadline = Instant::now() + STARTS_WITHIN;
    while Instant::now() < deadline {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            return Ok(process);
        }
        sleep(Duration::from_millis(20)).await;
    }
    bail!("the server did not listen in time")
}

/// Twitch has to know the address before the server starts, so it can't be the server's choice.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
