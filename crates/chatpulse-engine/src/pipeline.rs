//! The vote path: one line of chat in, at most one vote out.
//!
//! Read [`VotePipeline::outcome_of`] top to bottom: every return is one [`ChatOutcome`], and the steps are in the order of
//! their cost. A line that is no vote needs no network.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::command::ModCommand;
use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::message::{ChatMessage, VoteText};
use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::ports::chat_sink::{ChatDelivery, ChatOutcome, ChatSink};
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::throttle::Throttle;
use chatpulse_domain::vote::{Vote, VoteOutcome};
use tokio::time::Instant;
use tracing::warn;

use crate::Ports;
use crate::cache::SessionCache;
use crate::mod_commands::{ModCommandQueue, ModCommandRequest};
use crate::reader::Reader;

/// How long a line may take. Twitch expects an answer within seconds, and a vote that comes later helps nobody.
const DEADLINE: Duration = Duration::from_millis(800);

/// Turns chat into votes.
pub struct VotePipeline {
    sessions: Arc<SessionCache>,
    reader: Arc<Reader>,
    votes: Arc<dyn VoteStore>,
    signals: Arc<dyn Signals>,
    mod_commands: ModCommandQueue,
    clock: Arc<dyn Clock>,
    failures: Throttle,
}

/// A store failed, so the line is no vote.
struct Failure {
    /// What was tried, as a verb phrase.
    step: &'static str,
    error: StoreError,
}

impl Failure {
    /// For `map_err`.
    fn to(step: &'static str) -> impl FnOnce(StoreError) -> Self {
        move |error| Self { step, error }
    }
}

#[async_trait]
impl ChatSink for VotePipeline {
    async fn receive(&self, delivery: ChatDelivery) -> ChatOutcome {
        let message = match delivery {
            ChatDelivery::Message(message) => message,
            ChatDelivery::Stale => return ChatOutcome::Stale,
            ChatDelivery::Malformed => return ChatOutcome::Malformed,
        };
        match tokio::time::timeout(DEADLINE, self.handle(&message)).await {
            Ok(outcome) => outcome,
            Err(elapsed) => self.report("finish within the deadline", &elapsed),
        }
    }
}

impl VotePipeline {
    pub(crate) fn new(
        ports: &Ports,
        sessions: Arc<SessionCache>,
        reader: Arc<Reader>,
        mod_commands: ModCommandQueue,
    ) -> Self {
        Self {
            sessions,
            reader,
            votes: Arc::clone(&ports.votes),
            signals: Arc::clone(&ports.signals),
            mod_commands,
            clock: Arc::clone(&ports.clock),
            failures: Throttle::default(),
        }
    }

    /// Handles one line of chat.
    pub async fn handle(&self, message: &ChatMessage) -> ChatOutcome {
        match self.outcome_of(message).await {
            Ok(outcome) => outcome,
            Err(Failure { step, error }) => self.report(step, &error),
        }
    }

    async fn outcome_of(&self, message: &ChatMessage) -> Result<ChatOutcome, Failure> {
        if message.is_from_elsewhere() || self.reader.wrote(message) {
            return Ok(ChatOutcome::NoMatch);
        }
        let session = self.sessions.find(&message.broadcaster).await;
        let Some(session) = session.map_err(Failure::to("find the session"))? else {
            // A closed overlay can be reset, paused and hidden too.
            self.queue_command(message, &message.vote_text(), None);
            return Ok(ChatOutcome::NoSession);
        };
        let VersionedSettings { settings, pause_state, .. } = &*session.settings;
        let text = message.vote_text();
        if settings.mod_commands && self.queue_command(message, &text, Some(session.overlay)) {
            return Ok(ChatOutcome::NoMatch);
        }
        let Some(side) = settings.side_of(&text) else {
            return Ok(ChatOutcome::NoMatch);
        };
        if pause_state.paused {
            // A repeated delivery must not count after the pause.
            let is_new = self.votes.note_seen(session.overlay, &message.id).await;
            let is_new = is_new.map_err(Failure::to("note a vote during the pause"))?;
            return Ok(if is_new { ChatOutcome::Paused { side } } else { ChatOutcome::Duplicate { side } });
        }
        let vote = Vote {
            overlay: session.overlay,
            chatter: message.chatter.clone(),
            message: message.id.clone(),
            side,
        };
        match self.votes.cast(&vote).await.map_err(Failure::to("cast the vote"))? {
            VoteOutcome::Applied(sentiment) => {
                self.signals.publish(Signal::SentimentChanged(session.overlay));
                Ok(ChatOutcome::Applied { side, sentiment })
            }
            VoteOutcome::Debounced => Ok(ChatOutcome::Debounced { side }),
            VoteOutcome::RateLimited => Ok(ChatOutcome::RateLimited { side }),
            VoteOutcome::Duplicate => Ok(ChatOutcome::Duplicate { side }),
            VoteOutcome::NoSession => {
                self.sessions.forget(&message.broadcaster);
                Ok(ChatOutcome::NoSession)
            }
        }
    }

    /// Returns whether the line is a command. Only a moderator's command is queued, so that no line waits for a database.
    fn queue_command(&self, message: &ChatMessage, text: &VoteText, overlay: Option<OverlayId>) -> bool {
        let Some(command) = ModCommand::parse(&text.line) else {
            return false;
        };
        if message.by_moderator {
            let (broadcaster, message) = (message.broadcaster.clone(), message.id.clone());
            let typed_at = Instant::now();
            self.mod_commands.push(ModCommandRequest { broadcaster, overlay, message, command, typed_at });
        }
        true
    }

    fn report(&self, step: &'static str, error: &dyn std::error::Error) -> ChatOutcome {
        if self.failures.allows(self.clock.now()) {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            warn!(step, %error, cause, "votes are lost: cannot {step} (logged at most once a minute)");
        }
        ChatOutcome::Error
    }
}
