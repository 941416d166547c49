//! Moderators' commands: the vote path puts them into a queue, and a worker runs them, since a vote waits for no database.

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::command::ModCommand;
use chatpulse_domain::ids::{ChannelId, MessageId, OverlayId, TwitchUserId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::ports::votes::VoteStore;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Ports;
use crate::housekeeping::RETRY_EVERY;
use crate::settings::Settings;

/// Commands that wait while the stores are slow. Moderators who see nothing happen type it again.
const COMMANDS_MAX: usize = 256;

/// How long a moderator command is retried.
const RETRIED_FOR: Duration = Duration::from_mins(1);

/// A command that a moderator typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModCommandRequest {
    pub(crate) broadcaster: ChannelId,
    /// `None` while no overlay is open.
    pub(crate) overlay: Option<OverlayId>,
    /// Identifies repeated deliveries.
    pub(crate) message: MessageId,
    pub(crate) command: ModCommand,
    pub(crate) typed_at: Instant,
}

/// Where the vote path leaves commands; never waits.
pub(crate) struct ModCommandQueue {
    queue: mpsc::Sender<ModCommandRequest>,
}

impl ModCommandQueue {
    pub(crate) fn new() -> (Self, mpsc::Receiver<ModCommandRequest>) {
        let (queue, due) = mpsc::channel(COMMANDS_MAX);
        (Self { queue }, due)
    }

    pub(crate) fn push(&self, request: ModCommandRequest) {
        if self.queue.try_send(request).is_err() {
            warn!("dropped a moderator command: too many are waiting");
        }
    }
}

/// Whether a command's message is noted as seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DedupState {
    New,
    /// The answer to an earlier try was lost, so a message that was seen may have been this one.
    Unknown,
    Noted,
}

/// Runs commands one after the other. A store that is away delays a command.
pub struct ModCommandWorker {
    settings: Arc<Settings>,
    streamers: Arc<dyn StreamerRepository>,
    votes: Arc<dyn VoteStore>,
    signals: Arc<dyn Signals>,
    due: mpsc::Receiver<ModCommandRequest>,
}

impl ModCommandWorker {
    pub(crate) fn new(
        ports: &Ports,
        settings: Arc<Settings>,
        due: mpsc::Receiver<ModCommandRequest>,
    ) -> Self {
        Self {
            settings,
            streamers: Arc::clone(&ports.streamers),
            votes: Arc::clone(&ports.votes),
            signals: Arc::clone(&ports.signals),
            due,
        }
    }

    /// Works until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let work = async {
            while let Some(request) = self.due.recv().await {
                self.run_with_retries(&request).await;
            }
        };
        stop.run_until_cancelled(work).await;
        // Without a sender nothing is left to do, which is no failure.
        stop.cancelled().await;
    }

    async fn run_with_retries(&self, request: &ModCommandRequest) {
        let (command, mut dedup) = (request.command, DedupState::New);
        while let Err(error) = self.run_one(request, &mut dedup).await {
            if request.typed_at.elapsed() > RETRIED_FOR || matches!(error, StoreError::Corrupt { .. }) {
                return warn!(%error, ?command, "gave up on a moderator command");
            }
            warn!(%error, ?command, "failed to run a moderator command; trying again");
            sleep(RETRY_EVERY).await;
        }
    }

    async fn run_one(&self, request: &ModCommandRequest, dedup: &mut DedupState) -> Result<(), StoreError> {
        let Some(overlay) = self.overlay_of(request).await? else {
            return Ok(());
        };
        if *dedup != DedupState::Noted {
            let noted = self.votes.note_seen(overlay, &request.message).await;
            let is_new = noted.inspect_err(|_| *dedup = DedupState::Unknown)?;
            if !is_new && *dedup == DedupState::New {
                return Ok(());
            }
            *dedup = DedupState::Noted;
        }
        if let Some(change) = request.command.pause_change() {
            return self.settings.change_pause(overlay, change).await;
        }
        self.votes.reset(overlay).await?;
        self.signals.publish(Signal::SentimentChanged(overlay));
        Ok(())
    }

    /// While no overlay is open, the database knows whether the streamer allows moderator commands.
    async fn overlay_of(&self, request: &ModCommandRequest) -> Result<Option<OverlayId>, StoreError> {
        if request.overlay.is_some() {
            return Ok(request.overlay);
        }
        let Some(user) = TwitchUserId::of_channel(&request.broadcaster) else {
            return Ok(None);
        };
        let Some(streamer) = self.streamers.find_by_twitch_id(&user).await? else {
            return Ok(None);
        };
        let stored = self.settings.find(&streamer).await?;
        Ok(stored.is_some_and(|stored| stored.settings.mod_commands).then_some(streamer.overlay))
    }
}
