//! What runs beside the requests: signals of other parts and instances, overlays that closed, orphans, settings that
//! did not arrive, logins that expired, grants of users, orders of moderators.
//!
//! [`Housekeeping::run`] keeps one loop for each, so that none waits for another's store: a database that hangs must
//! not keep a saved setting from being heard of.

mod cleanup;
mod grants;
mod orders;

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::ChannelId;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::leadership::Leadership;
use chatpulse_domain::ports::login_sessions::LoginSessions;
use chatpulse_domain::ports::signals::{Heard, Signal, Signals};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::cache::SessionCache;
use crate::commands::Order;
use crate::grants::Withdrawal;
use crate::sessions::{Closing, DriftReport, Sessions};
use crate::{Engine, Policy, Ports};
use cleanup::Cleanup;
pub use cleanup::CleanupReport;
pub use grants::GrantCheck;
use grants::{Grants, OnGrantCheck};
use orders::Orderly;

/// How often a session store that was away is told what it missed.
const RETRY_EVERY: Duration = Duration::from_secs(2);

/// A new leader looks at everything at once.
const LOOK_WHO_LEADS_EVERY: Duration = Duration::from_secs(1);

/// How often expired logins are removed.
const SWEEP_LOGINS_EVERY: Duration = Duration::from_hours(1);

/// Signals that wait for a store: a second of a hundred saves and rotations. More than that is a gap.
const NEWS_MAX: usize = 128;

/// Channels whose session changed and that the clean-up has not looked at: every streamer of an instance at once. More
/// than that is a gap.
const CHANGES_MAX: usize = 4_096;

type OnCleanup = dyn Fn(Option<&CleanupReport>) + Send + Sync;

/// Runs until stopped; see [`Housekeeping::run`].
pub struct Housekeeping {
    sessions: Arc<Sessions>,
    cache: Arc<SessionCache>,
    signals: Arc<dyn Signals>,
    leadership: Arc<dyn Leadership>,
    closings: mpsc::Receiver<Closing>,
    logins: Arc<dyn LoginSessions>,
    clock: Arc<dyn Clock>,
    cleanup: Cleanup,
    cleanup_interval: Duration,
    reconcile_interval: Duration,
    on_cleanup: Box<OnCleanup>,
    on_drift: Box<dyn Fn(&DriftReport) + Send + Sync>,
    grants: Grants,
    withdrawn: mpsc::Receiver<Withdrawal>,
    ordered: mpsc::Receiver<Order>,
    orderly: Orderly,
    on_grant_check: Box<OnGrantCheck>,
}

/// What other parts leave to be done.
pub(crate) struct Queues {
    pub(crate) closings: mpsc::Receiver<Closing>,
    pub(crate) withdrawn: mpsc::Receiver<Withdrawal>,
    pub(crate) ordered: mpsc::Receiver<Order>,
}

impl Housekeeping {
    pub(crate) fn new(
        ports: &Ports,
        policy: &Policy,
        engine: &Engine,
        Queues { closings, withdrawn, ordered }: Queues,
    ) -> Self {
        Self {
            sessions: Arc::clone(&engine.sessions),
            cache: Arc::clone(&engine.cache),
            signals: Arc::clone(&ports.signals),
            leadership: Arc::clone(&ports.leadership),
            closings,
            logins: Arc::clone(&ports.login_sessions),
            clock: Arc::clone(&ports.clock),
            cleanup: Cleanup::new(ports, policy, Arc::clone(&engine.sessions)),
            cleanup_interval: policy.cleanup_interval,
            reconcile_interval: policy.reconcile_interval,
            on_cleanup: Box::new(|_| {}),
            on_drift: Box::new(|_| {}),
            grants: Grants::new(ports),
            withdrawn,
            ordered,
            orderly: Orderly::new(ports, Arc::clone(&engine.settings)),
            on_grant_check: Box::new(|_| {}),
        }
    }

    /// Hears what came of asking Twitch about a user's tokens; for metrics.
    #[must_use]
    pub fn on_grant_check(mut self, listener: impl Fn(GrantCheck) + Send + Sync + 'static) -> Self {
        self.on_grant_check = Box::new(listener);
        self
    }

    /// Hears of every look for drifted settings; for metrics.
    #[must_use]
    pub fn on_drift(mut self, listener: impl Fn(&DriftReport) + Send + Sync + 'static) -> Self {
        self.on_drift = Box::new(listener);
        self
    }

    /// Hears of every round of clean-up, also of one that was another instance's to do; for metrics.
    #[must_use]
    pub fn on_cleanup(mut self, listener: impl Fn(Option<&CleanupReport>) + Send + Sync + 'static) -> Self {
        self.on_cleanup = Box::new(listener);
        self
    }

    /// Works until `stop`; then finishes what has already closed.
    pub async fn run(self, stop: CancellationToken) {
        let Self {
            sessions,
            cache,
            signals,
            leadership,
            mut closings,
            logins,
            clock,
            mut cleanup,
            grants,
            ..
        } = self;
        let stop = stop.child_token();
        let (news, heard) = mpsc::channel(NEWS_MAX);
        let (changes, to_look_at) = mpsc::channel(CHANGES_MAX);
        let (missed, missed_changes) = (Notify::new(), Notify::new());
        let listener = Listener {
            sessions: &sessions,
            cache: &cache,
            news,
            changes,
            missed: &missed,
            missed_changes: &missed_changes,
        };
        let keep_logins = async {
            let mut sweeps = every(SWEEP_LOGINS_EVERY);
            loop {
                sweeps.tick().await;
                if let Err(error) = logins.delete_expired(clock.now()).await {
                    warn!(%error, "expired logins were not removed this time");
                }
            }
        };
        let keep_settings = async {
            let mut rounds = later(self.reconcile_interval);
            loop {
                rounds.tick().await;
                if leadership.is_leader().await {
                    (self.on_drift)(&sessions.reconcile().await);
                }
            }
        };
        let keep_clean = keep_clean(
            &mut cleanup,
            to_look_at,
            &missed_changes,
            later(self.cleanup_interval),
            &self.on_cleanup,
        );
        let obeying = self.orderly.obey(self.ordered);
        let loops = async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = listener.listen(signals.as_ref()) => {}
                () = follow(&sessions, heard, &missed) => {}
                () = keep_overlays(&sessions, &mut closings) => {}
                () = keep_clean => {}
                () = keep_settings => {}
                () = keep_logins => {}
                () = obeying => {}
            }
            // Also if one of them ended by itself: whoever owns us is to notice.
            stop.cancel();
        };
        // Not among them: they must not be dropped between two tokens, or before they are through.
        tokio::join!(loops, grants.check(&stop, &self.on_grant_check), grants.end(self.withdrawn, &stop));
        while let Ok(closing) = closings.try_recv() {
            sessions.close(closing).await;
        }
    }
}

/// Hears, forgets what is remembered of what changed, and hands on whatever needs a store.
struct Listener<'a> {
    sessions: &'a Sessions,
    cache: &'a SessionCache,
    news: mpsc::Sender<Signal>,
    changes: mpsc::Sender<ChannelId>,
    missed: &'a Notify,
    missed_changes: &'a Notify,
}

impl Listener<'_> {
    async fn listen(self, signals: &dyn Signals) {
        let mut stream = signals.subscribe();
        loop {
            let heard = stream.next().await;
            self.cache.hear(&heard);
            match heard {
                Heard::Signal(signal) => self.hear(signal),
                Heard::Gap => {
                    self.missed.notify_one();
                    self.missed_changes.notify_one();
                }
                Heard::Closed => return,
            }
        }
    }

    fn hear(&self, signal: Signal) {
        match signal {
            Signal::SentimentChanged(_) | Signal::PlatformNote(_) => {}
            Signal::SessionChanged(broadcaster) => {
                if self.changes.try_send(broadcaster).is_err() {
                    self.missed_changes.notify_one();
                }
            }
            Signal::OverlayRotated(overlay) => {
                // From this moment nothing opens there, however long the store takes.
                self.sessions.note_retired(overlay);
                self.hand_on(signal);
            }
            Signal::SettingsChanged { .. } => self.hand_on(signal),
        }
    }

    fn hand_on(&self, signal: Signal) {
        if self.news.try_send(signal).is_err() {
            self.missed.notify_one();
        }
    }
}

/// What signals say about overlays that are open here.
async fn follow(sessions: &Sessions, mut heard: mpsc::Receiver<Signal>, missed: &Notify) {
    loop {
        tokio::select! {
            Some(signal) = heard.recv() => match signal {
                Signal::OverlayRotated(overlay) => sessions.retire(overlay).await,
                Signal::SettingsChanged { overlay, .. } => sessions.refresh_settings(overlay).await,
                // Dealt with where they are heard.
                Signal::SentimentChanged(_) | Signal::SessionChanged(_) | Signal::PlatformNote(_) => {}
            },
            () = missed.notified() => sessions.review().await,
        }
    }
}

async fn keep_overlays(sessions: &Sessions, closings: &mut mpsc::Receiver<Closing>) {
    let mut retries = every(RETRY_EVERY);
    loop {
        tokio::select! {
            Some(closing) = closings.recv() => sessions.close(closing).await,
            _ = retries.tick() => sessions.retry_untold().await,
        }
    }
}

async fn keep_clean(
    cleanup: &mut Cleanup,
    mut changed: mpsc::Receiver<ChannelId>,
    missed: &Notify,
    mut rounds: Interval,
    on_cleanup: &OnCleanup,
) {
    let mut looks = every(LOOK_WHO_LEADS_EVERY);
    loop {
        tokio::select! {
            Some(broadcaster) = changed.recv() => cleanup.note_change(&broadcaster).await,
            () = missed.notified() => cleanup.read_all_chats_soon(),
            _ = looks.tick() => if let Err(error) = cleanup.read_all_chats().await {
                warn!(%error, "failed to look up which chats are needed; trying again");
                looks.reset_after(RETRY_EVERY);
            },
            _ = rounds.tick() => match cleanup.round().await {
                Ok(report) => on_cleanup(report.as_ref()),
                Err(error) => warn!(%error, "this round of clean-up was skipped"),
            },
        }
    }
}

fn every(span: Duration) -> Interval {
    patient(interval(span))
}

fn later(span: Duration) -> Interval {
    patient(interval_at(Instant::now() + span, span))
}

/// After a round that took long the next comes a whole span later.
fn patient(mut rounds: Interval) -> Interval {
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rounds
}
