//! What handlers share.

use std::sync::Arc;

use actix_web::web::Data;
use chatpulse_broadcast::handle::HubHandle;
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

/// Everything the edge hands requests on to.
#[expect(missing_docs, reason = "each field is named after its port, which says what it is")]
pub struct WebPorts {
    pub engine: Engine,
    pub hub: HubHandle,
    pub clock: Arc<dyn Clock>,
    pub login: Arc<dyn TwitchLogin>,
    pub login_sessions: Arc<dyn LoginSessions>,
    pub streamers: Arc<dyn StreamerRepository>,
    pub sink: Arc<dyn ChatSink>,
    /// `None` where the webhook group is not set: the route does not exist.
    pub webhook: Option<Arc<dyn WebhookGate>>,
    pub health: Vec<Arc<dyn HealthCheck>>,
    /// Prometheus' text, rendered.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Shared by all workers.
pub(crate) struct Web {
    pub(crate) ports: WebPorts,
    pub(crate) config: HttpConfig,
    pub(crate) limits: Limits,
    pub(crate) connections: Arc<ConnectionCounts>,
    /// Overlay sockets, joined at shutdown.
    pub(crate) sockets: TaskTracker,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
    pub(crate) started: tokio::time::Instant,
}

pub(crate) type Shared = Data<Web>;
