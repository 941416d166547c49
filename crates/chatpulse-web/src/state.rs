//! State shared by all handlers.

use std::sync::Arc;

use actix_web::web::Data;
use chatpulse_broadcast::handle::HubHandle;
use chatpulse_domain::clock_offset::ClockOffset;
use chatpulse_domain::ports::chat_sink::ChatSink;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::twitch_login::TwitchLogin;
use chatpulse_domain::ports::webhook_gate::WebhookGate;
use chatpulse_engine::Engine;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::HttpConfig;
use crate::guard::limits::{ConnectionCounts, Limits};
use crate::guard::proxies::Proxies;
use crate::health::Health;

/// The services that handlers call.
#[expect(missing_docs, reason = "each field is named after its port, which says what it is")]
pub struct WebPorts {
    pub engine: Engine,
    pub hub: HubHandle,
    pub clock: Arc<dyn Clock>,
    pub login: Arc<dyn TwitchLogin>,
    pub login_sessions: Arc<dyn LoginSessions>,
    pub streamers: Arc<dyn StreamerRepository>,
    pub sink: Arc<dyn ChatSink>,
    /// `None` if the webhook settings are not set: then the route does not exist.
    pub webhook: Option<Arc<dyn WebhookGate>>,
    pub health: Vec<Arc<dyn HealthCheck>>,
    /// How far our clock is from Twitch's; `None` while that is not known.
    pub clock_offset: Arc<dyn Fn() -> Option<ClockOffset> + Send + Sync>,
    /// Renders the metrics in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// State shared by all workers.
pub(crate) struct Web {
    pub(crate) ports: WebPorts,
    pub(crate) config: HttpConfig,
    pub(crate) limits: Limits,
    pub(crate) connections: Arc<ConnectionCounts>,
    /// Overlay sockets; shutdown waits for them.
    pub(crate) sockets: TaskTracker,
    pub(crate) health: Health,
    pub(crate) proxies: Proxies,
    /// Cancelled as soon as a stop is asked for; the server goes on serving until `stop`.
    pub(crate) leaving: CancellationToken,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
    pub(crate) started: tokio::time::Instant,
}

pub(crate) type Shared = Data<Web>;
