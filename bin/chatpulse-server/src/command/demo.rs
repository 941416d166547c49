//! `chatpulse demo`: runs the whole product and a simulated Twitch in one process. It reads no environment variables
//! and stores nothing on disk. The product talks to the simulation exactly as to Twitch; only the base URLs differ.

mod visit;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use chatpulse_domain::access::Access;
use chatpulse_domain::secret::Secret;
use chatpulse_telemetry::logging::{self, LogFilter, LogFormat};
use chatpulse_telemetry::metrics::Metrics;
use chatpulse_twitch::config::{Transport, TwitchUrls};
use chatpulse_twitch_sim::{CrowdConfig, Sim, SimConfig, SimUser};
use url::Url;

use super::DemoOptions;
use super::serve::runtime;
use crate::lifecycle::Lifecycle;
use crate::settings::{
    HttpSettings, LimitSettings, LogSettings, OutgoingSettings, Settings, ShutdownSettings, StoreSettings,
    TwitchSettings,
};
use crate::wiring::Parts;
use crate::wiring::metrics::families;

const STREAMER: (&str, &str, &str) = ("1971641", "your_channel", "Your_Channel");
const CLIENT_ID: &str = "chatpulse-demo";
/// Warnings and errors only, so that the printed URLs stay visible.
const LOG_FILTER: &str = "warn,audit=off";
const GRACE: Duration = Duration::from_secs(10);

pub(crate) fn run(options: &DemoOptions) -> anyhow::Result<ExitCode> {
    logging::start(&LogFilter::parse(LOG_FILTER)?, LogFormat::Text);
    runtime()?.block_on(demo(options))
}

async fn demo(options: &DemoOptions) -> anyhow::Result<ExitCode> {
    let lifecycle = Lifecycle::new();
    lifecycle.stop_on_signals(Duration::ZERO).context("could not listen for signals")?;
    let secret = uuid::Uuid::new_v4().to_string();
    let (id, login, name) = STREAMER;
    let sim = Sim::start(SimConfig {
        client_id: CLIENT_ID.to_owned(),
        client_secret: secret.clone(),
        users: vec![SimUser::new(id, login, name)],
        ..SimConfig::default()
    })
    .await
    .context("the simulated Twitch could not start")?;

    let settings = settings(free_port(options.port)?, &sim, &secret)?;
    let metrics = Metrics::install(&families(&settings.stores)).context("could not set up metrics")?;
    let parts = Parts::build(settings, metrics).await?;
    let base = format!("http://{}", parts.address()?);
    let streamers = std::sync::Arc::clone(&parts.stores.streamers);

    let stop = lifecycle.stop.clone();
    let running = tokio::spawn(parts.run(lifecycle, GRACE));
    // Grant the scopes and log in the demo's streamer once, so that the overlay has its URL.
    sim.grant(id, &["channel:bot", "user:read:chat", "user:bot"]);
    visit::log_in(&base).await.context("the demo's streamer could not log in")?;
    let streamer = streamers.first().await?.context("the demo's streamer has no account")?;
    let crowd = sim.start_crowd(CrowdConfig {
        chatters: usize::try_from(options.chatters)?,
        messages_per_second: options.messages_per_second,
        seed: options.seed,
        ..CrowdConfig::in_channel(id)
    });

    let (dashboard, overlay) = (format!("{base}/dashboard"), format!("{base}/overlay/{}", streamer.overlay));
    say(&[
        &format!(
            "ChatPulse demo: a simulated Twitch with {} people chatting. Nothing is kept.",
            options.chatters
        ),
        "",
        &format!("  Dashboard  {dashboard}"),
        &format!("  Overlay    {overlay}"),
        "",
        "Open the dashboard and press “Log in with Twitch”. Open the overlay in another window, or in OBS",
        "as a browser source of 800 × 100. Press Ctrl-C to stop.",
    ]);
    if options.open {
        open_browser(&dashboard);
    }
    let ended = running.await.context("the server broke")?;
    stop.cancel();
    crowd.stop();
    sim.stop().await;
    Ok(if ended? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Resolves port 0 to a free port. The redirect URL must be registered at the simulated Twitch before the product is
/// built.
fn free_port(asked: u16) -> anyhow::Result<u16> {
    if asked != 0 {
        return Ok(asked);
    }
    let probe = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(probe.local_addr()?.port())
}

fn settings(port: u16, sim: &Sim, secret: &str) -> anyhow::Result<Settings> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let base = format!("http://{listen}");
    Ok(Settings {
        http: HttpSettings {
            public_url: Some(Url::parse(&base)?),
            port_option: "--port",
            ..HttpSettings::on(listen)
        },
        stores: StoreSettings::in_memory(),
        twitch: TwitchSettings {
            client_id: CLIENT_ID.to_owned(),
            client_secret: Secret::new(secret),
            redirect_uri: format!("{base}/auth/callback"),
            urls: TwitchUrls {
                auth: Url::parse(&sim.auth_url())?,
                api: Url::parse(&sim.api_url())?,
                eventsub: Url::parse(&sim.eventsub_ws_url())?,
            },
            transport: Transport::WebSocket,
            webhook_callback: None,
            webhook_secrets: Vec::new(),
            bot: None,
        },
        access: Access::FirstStreamer,
        limits: LimitSettings::defaults()?,
        outgoing: OutgoingSettings::default(),
        log: LogSettings { filter: LogFilter::parse(LOG_FILTER)?, format: LogFormat::Text },
        shutdown: ShutdownSettings { drain: Duration::ZERO, grace: GRACE },
        warnings: Vec::new(),
    })
}

/// Opens the browser and ignores errors, because the URL is also printed.
fn open_browser(url: &str) {
    for program in ["xdg-open", "open"] {
        let started = Command::new(program)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if started.is_ok() {
            return;
        }
    }
    say(&["No browser could be opened; open the dashboard yourself."]);
}

/// Prints lines and ignores write errors: the demo continues when the reader closes the pipe (`chatpulse demo | head`).
fn say(lines: &[&str]) {
    let mut out = std::io::stdout().lock();
    let _ = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
}
