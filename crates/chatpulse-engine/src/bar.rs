//! What a streamer can do to the bar, and see of it, from the dashboard.

use std::sync::Arc;

use chatpulse_domain::overlay::PauseState;
use chatpulse_domain::ports::chat_feed::ChatFeed;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::ports::signals::{Signal, Signals};
use chatpulse_domain::ports::votes::VoteStore;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::session::SessionActivity;
use chatpulse_domain::side::Side;
use chatpulse_domain::streamer::Streamer;
use chatpulse_domain::subscription::ChatState;

use crate::Ports;
use crate::cache::SessionCache;

/// Reset, test votes, status.
pub struct Bar {
    votes: Arc<dyn VoteStore>,
    sessions: Arc<dyn SessionStore>,
    signals: Arc<dyn Signals>,
    feed: Arc<dyn ChatFeed>,
    cache: Arc<SessionCache>,
}

/// What the dashboard says about a streamer's overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarStatus {
    /// What happened lately; all zero without a session.
    pub activity: SessionActivity,
    /// What the chat connection is doing.
    pub chat: ChatState,
    /// Whether votes are paused and the overlay is hidden; `None` without a session.
    pub pause_state: Option<PauseState>,
}

impl Bar {
    pub(crate) fn new(ports: &Ports, cache: Arc<SessionCache>) -> Self {
        Self {
            votes: Arc::clone(&ports.votes),
            sessions: Arc::clone(&ports.sessions),
            signals: Arc::clone(&ports.signals),
            feed: Arc::clone(&ports.feed),
            cache,
        }
    }

    /// To the centre, on every overlay. Without an open overlay there is nothing to move, which is fine.
    pub async fn reset(&self, streamer: &Streamer) -> Result<(), StoreError> {
        if self.votes.reset(streamer.overlay).await? {
            self.signals.publish(Signal::SentimentChanged(streamer.overlay));
        }
        Ok(())
    }

    /// One vote that nobody typed. `None`: no overlay is open to show it, though the session may outlive its
    /// last overlay for a while.
    pub async fn test_vote(&self, streamer: &Streamer, side: Side) -> Result<Option<Sentiment>, StoreError> {
        if !self.sessions.activity(streamer.overlay).await?.is_some_and(|activity| activity.attached) {
            return Ok(None);
        }
        let pushed = self.votes.push(streamer.overlay, side).await?;
        if pushed.is_some() {
            self.signals.publish(Signal::SentimentChanged(streamer.overlay));
        }
        Ok(pushed)
    }

    /// How things stand. A refusal by Twitch is said even while no overlay is open.
    pub async fn status(&self, streamer: &Streamer) -> Result<BarStatus, StoreError> {
        let activity = self.sessions.activity(streamer.overlay).await?.unwrap_or_default();
        let chat = match self.feed.state(&streamer.channel()).await {
            ChatState::NotAuthorized => ChatState::NotAuthorized,
            _ if !activity.attached => ChatState::Idle,
            // The overlay opened a moment ago.
            ChatState::Idle => ChatState::Connecting,
            state => state,
        };
        let session =
            if activity.attached { self.cache.find(&streamer.channel()).await.ok().flatten() } else { None };
        let pause_state = session.map(|session| session.settings.pause_state);
        Ok(BarStatus { activity, chat, pause_state })
    }
}
