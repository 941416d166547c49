//! The vote path: one line of chat in, at most one vote out.
//!
//! Read [`VotePipeline::handle`] top to bottom: every early return is one [`ChatOutcome`], and the order of
//! the steps is the order of their cost. A line that is no vote touches no network.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::command::ModCommand;
use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::message::ChatMessage;
use chatpulse_domain::ports::chat_sink::{ChatDelivery, ChatOutcome, ChatSink};
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::throttle::Throttle;
use chatpulse_domain::vote::{Vote, VoteOutcome};
use tokio::time::Instant;
use tracing::warn;

use crate::Ports;
use crate::cache::SessionCache;
use crate::commands::{Order, Orders};
use crate::reader::Reader;

/// Twitch is answered within a second whatever the stores do; what takes longer is no vote.
const DEADLINE: Duration = Duration::from_millis(800);

/// Turns chat into votes.
pub struct VotePipeline {
    sessions: Arc<SessionCache>,
    reader: Arc<Reader>,
    votes: Arc<dyn VoteStore>,
    signals: Arc<dyn Signals>,
    orders: Orders,
    clock: Arc<dyn Clock>,
    failures: Throttle,
}

impl VotePipeline {
    pub(crate) fn new(
        ports: &Ports,
        sessions: Arc<SessionCache>,
        reader: Arc<Reader>,
        orders: Orders,
    ) -> Self {
        Self {
            sessions,
            reader,
            votes: Arc::clone(&ports.votes),
            signals: Arc::clone(&ports.signals),
            orders,
            clock: Arc::clone(&ports.clock),
            failures: Throttle::default(),
        }
    }

    /// One line of chat: session? command? trigger? cast. announce.
    pub async fn handle(&self, message: &ChatMessage) -> ChatOutcome {
        if message.is_from_elsewhere() || self.reader.wrote(message) {
            return ChatOutcome::NoMatch;
        }
        let session = match self.sessions.find(&message.broadcaster).await {
            Ok(Some(session)) => session,
            Ok(None) => {
                self.order(message, None);
                return ChatOutcome::NoSession;
            }
            Err(error) => return self.failed("find the session", &error),
        };
        let settings = &session.settings.settings;
        if settings.mod_commands && self.order(message, Some(session.overlay)) {
            return ChatOutcome::NoMatch;
        }
        let Some(side) = settings.side_of(&message.vote_text()) else {
            return ChatOutcome::NoMatch;
        };
        if session.settings.pause_state.paused {
            // Delivered again after the pause it must not count.
            return match self.votes.note_seen(session.overlay, &message.id).await {
                Ok(true) => ChatOutcome::Paused { side },
                Ok(false) => ChatOutcome::Duplicate { side },
                Err(error) => self.failed("note the vote", &error),
            };
        }
        let vote = Vote {
            overlay: session.overlay,
            chatter: message.chatter.clone(),
            message: message.id.clone(),
            side,
        };
        let sentiment = match self.votes.cast(&vote).await {
            Ok(VoteOutcome::Applied(sentiment)) => sentiment,
            Ok(VoteOutcome::Debounced) => return ChatOutcome::Debounced { side },
            Ok(VoteOutcome::RateLimited) => return ChatOutcome::RateLimited { side },
            Ok(VoteOutcome::Duplicate) => return ChatOutcome::Duplicate { side },
            Ok(VoteOutcome::NoSession) => {
                self.sessions.forget(&message.broadcaster);
                return ChatOutcome::NoSession;
            }
            Err(error) => return self.failed("cast the vote", &error),
        };
        self.signals.publish(Signal::SentimentChanged(session.overlay));
        ChatOutcome::Applied { side, sentiment }
    }

    /// False: this is no command. It is obeyed if a moderator gave it.
    fn order(&self, message: &ChatMessage, overlay: Option<OverlayId>) -> bool {
        let Some(command) = ModCommand::in_message(message) else {
            return false;
        };
        if message.by_moderator {
            let (broadcaster, message) = (message.broadcaster.clone(), message.id.clone());
            self.orders.give(Order { broadcaster, overlay, message, command, at: Instant::now() });
        }
        true
    }

    fn failed(&self, step: &'static str, error: &dyn std::error::Error) -> ChatOutcome {
        if self.failures.allows(self.clock.now()) {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            warn!(step, %error, cause, "votes are being lost: could not {step} (said once a minute)");
        }
        ChatOutcome::Error
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
            Err(elapsed) => self.failed("finish within its deadline", &elapsed),
        }
    }
}
