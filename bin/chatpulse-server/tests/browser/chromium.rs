//! Finding and starting the system's Chromium.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::cdp::Cdp;
use crate::tab::Tab;

const STARTS_WITHIN: Duration = Duration::from_secs(20);
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const ARGUMENTS: [&str; 15] = [
    "--headless=new",
    // Tests run as root in containers, where the sandbox can't be set up; the pages are our own.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    // A window that lies under another one moves on as if it were seen: OBS shows it, too.
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
];

/// A browser with a profile that is gone afterwards.
pub(crate) struct Chromium {
    cdp: Arc<Cdp>,
    process: Child,
    _profile: TempDir,
}

impl Chromium {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let program = find()?;
        let profile = TempDir::with_prefix("chatpulse-browser-")?;
        let process = Command::new(&program)
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        let url = debugger_of(profile.path()).await?;
        let cdp = Arc::new(Cdp::connect(&url).await?);
        Ok(Self { cdp, process, _profile: profile })
    }

    /// A tab of somebody who shares no cookie with any other tab, in a window of its own.
    pub(crate) async fn visitor(&self, width: u32, height: u32) -> anyhow::Result<Tab> {
        let context = self.cdp.call(None, "Target.createBrowserContext", json!({})).await?;
        let context = context["browserContextId"].as_str().unwrap_or_default();
        Tab::open(&self.cdp, context, width, height).await
    }

    /// Ends it in order, so that its profile can be removed.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        let _ = self.cdp.call(None, "Browser.close", json!({})).await;
        timeout(Duration::from_secs(10), self.process.wait()).await.context("the browser did not end")??;
        Ok(())
    }
}

fn find() -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found = NAMES
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)))
        .filter(|program| program.is_file());
    found.next().context(
        "these tests need Chromium: `apt-get install chromium`, or name another one in the variable CHROMIUM",
    )
}

/// The browser writes port and path of its debugger into its profile once it listens.
async fn debugger_of(profile: &Path) -> anyhow::Result<String> {
    let note = profile.join("DevToolsActivePort");
    let deadline = Instant::now() + STARTS_WITHIN;
    while Instant::now() < deadline {
        let text = std::fs::read_to_string(&note).unwrap_or_default();
        if let Some((port, path)) = text.trim().split_once('\n') {
            return Ok(format!("ws://127.0.0.1:{port}{path}"));
        }
        sleep(Duration::from_millis(20)).await;
    }
    bail!("the browser did not start within {} s", STARTS_WITHIN.as_secs())
}
