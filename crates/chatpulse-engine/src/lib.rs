//! What ChatPulse does: ports in, outcomes out.
//!
//! The heart is [`pipeline::VotePipeline::handle`]: one line of chat, at most one vote. Round it stand
//! [`sessions::Sessions`] (overlays open and close), [`settings::Settings`] (save and announce),
//! [`accounts::Accounts`] (log in, rotate) and [`bar::Bar`] (reset, test votes, status). [`Engine::new`] puts
//! them together; [`Housekeeping`] is what runs beside them.
//!
//! The engine counts no metric and logs no success: the edges do. It logs a failure where it handles one.

pub mod accounts;
pub mod admission;
pub mod bar;
pub mod cache;
pub mod housekeeping;
mod mod_commands;
pub mod pipeline;
pub mod reader;
pub mod sessions;
pub mod settings;
pub mod withdrawals;

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::access::Access;
use chatpulse_domain::ids::{InstanceId, TwitchUserId};
use chatpulse_domain::ports::chat_feed::ChatFeed;
use chatpulse_domain::ports::cipher::TokenCipher;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::login_claims::LoginClaims;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::settings::SettingsRepository;
use chatpulse_domain::ports::signals::Signals;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::tokens::TokenRepository;
use chatpulse_domain::ports::twitch_login::TwitchLogin;
use chatpulse_domain::ports::votes::VoteStore;

use accounts::Accounts;
use admission::Admission;
use bar::Bar;
use cache::SessionCache;
use housekeeping::{Housekeeping, Queues};
use mod_commands::ModCommandQueue;
use pipeline::VotePipeline;
use reader::Reader;
use sessions::Sessions;
use settings::Settings;
use withdrawals::Withdrawals;

/// Everything the engine stands on.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is named after its port, which says what it is")]
pub struct Ports {
    pub clock: Arc<dyn Clock>,
    pub votes: Arc<dyn VoteStore>,
    pub sessions: Arc<dyn SessionStore>,
    pub signals: Arc<dyn Signals>,
    pub streamers: Arc<dyn StreamerRepository>,
    pub tokens: Arc<dyn TokenRepository>,
    pub settings: Arc<dyn SettingsRepository>,
    pub login_sessions: Arc<dyn LoginSessions>,
    pub login_claims: Arc<dyn LoginClaims>,
    pub login: Arc<dyn TwitchLogin>,
    pub feed: Arc<dyn ChatFeed>,
    pub cipher: Arc<dyn TokenCipher>,
    pub leadership: Arc<dyn Leadership>,
}

/// What an operator decides.
#[derive(Debug, Clone)]
pub struct Policy {
    /// This server, among all that run.
    pub instance: InstanceId,
    /// The account that reads chat; `None`: the first streamer who logged in.
    pub bot: Option<TwitchUserId>,
    /// Who may log in as a streamer.
    pub access: Access,
    /// How often orphans are looked for.
    pub cleanup_interval: Duration,
    /// How long a session outlives its last overlay.
    pub orphan_max_age: Duration,
    /// How long a chat is read after its last overlay left.
    pub subscription_grace: Duration,
    /// How often live sessions' settings are compared with the database.
    pub reconcile_interval: Duration,
    /// Most overlay sockets on this instance; bounds the queue of those that close.
    pub overlays_max: usize,
}

/// The parts, each shared by whoever needs it.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is named after its type, which says what it is")]
pub struct Engine {
    pub pipeline: Arc<VotePipeline>,
    pub sessions: Arc<Sessions>,
    pub settings: Arc<Settings>,
    pub accounts: Arc<Accounts>,
    pub admission: Arc<Admission>,
    pub bar: Arc<Bar>,
    pub reader: Arc<Reader>,
    pub cache: Arc<SessionCache>,
    pub withdrawals: Arc<Withdrawals>,
}

impl Engine {
    /// Puts the parts together. Nothing runs until the jobs of [`Housekeeping`] do.
    pub fn new(ports: &Ports, policy: &Policy) -> (Self, Housekeeping) {
        let cache = Arc::new(SessionCache::new(Arc::clone(&ports.sessions)));
        let reader = Arc::new(Reader::new(policy.bot.clone()));
        let admission = Arc::new(Admission::new(ports, policy.access.clone()));
        let (sessions, closings) = Sessions::new(ports, policy, Arc::clone(&cache), Arc::clone(&reader));
        let sessions = Arc::new(sessions);
        let (withdrawals, withdrawals_due) = Withdrawals::new();
        let (mod_commands, mod_commands_due) = ModCommandQueue::new();
        let engine = Self {
            pipeline: Arc::new(VotePipeline::new(
                ports,
                Arc::clone(&cache),
                Arc::clone(&reader),
                mod_commands,
            )),
            settings: Arc::new(Settings::new(ports, Arc::clone(&cache), Arc::clone(&sessions))),
            accounts: Arc::new(Accounts::new(
                ports,
                Arc::clone(&admission),
                Arc::clone(&cache),
                Arc::clone(&reader),
                Arc::clone(&sessions),
            )),
            admission,
            bar: Arc::new(Bar::new(ports, Arc::clone(&cache))),
            sessions,
            reader,
            cache,
            withdrawals: Arc::new(withdrawals),
        };
        let queues = Queues { closings, withdrawals: withdrawals_due, mod_commands: mod_commands_due };
        let housekeeping = Housekeeping::new(ports, policy, &engine, queues);
        (engine, housekeeping)
    }
}
