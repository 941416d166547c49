//! The chats that are wanted here, and what Twitch makes of them.
//!
//! [`TwitchFeed`] is the handle: it changes the wanted set and answers at once. [`worker::FeedWorker`] is the
//! task behind it: it keeps the conduit and our shard alive and makes Twitch's subscriptions equal the wanted
//! set. What is wanted and what is live are kept apart, so that a lost connection forgets nothing.
//!
//! Of several instances the leader alone makes the conduit, points its webhook shard at us, and mends what differs
//! from Twitch's list. Where chat comes by sockets, each instance has one, and a shard for it: see [`place`].

mod conduit;
pub mod look;
mod place;
mod reconcile;
mod subscribe;
pub mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, ChatterId, SubscriptionId};
use chatpulse_domain::ports::chat_feed::{ChatChannel, ChatFeed};
use chatpulse_domain::subscription::ChatState;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::backoff::Backoff;

/// A refused chat is asked for again after this long, or when the streamer logs in.
const REFUSED_FOR: Duration = Duration::from_hours(1);

/// After three quick tries (1, 2, 4 s) a chat is asked for at this pace.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Without a socket for so long, an instance leaves its shard to another.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30);

/// A refusal that names another subscription than ours is believed, but looked into soon.
const DOUBTED_FOR: Duration = Duration::from_secs(10);

/// Handle to the feed.
#[derive(Clone)]
pub struct TwitchFeed {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    channels: HashMap<ChannelId, Channel>,
    /// Subscriptions that Twitch ended, as told to this instance: not yet known to the others.
    ended: Vec<(ChannelId, SubscriptionId, Revocation)>,
    /// Somebody wants to know which chats are refused.
    are_refusals_asked: bool,
    shard: ShardState,
    /// Something is known about the shard: it is set up or looked at now, whatever was planned.
    is_urgent: bool,
    /// How often it was to be assigned anew: an assignment that began before is not the last.
    assigned_anew: u64,
    /// Since when there is no socket.
    down_since: Option<Instant>,
}

impl State {
    fn set_shard(&mut self, shard: ShardState) {
        let is_enabled = matches!(shard, ShardState::Enabled(_));
        metrics::gauge!("eventsub_shard_enabled").set(if is_enabled { 1.0 } else { 0.0 });
        self.down_since = match (&shard, self.down_since) {
            (ShardState::Down, since) => since.or_else(|| Some(Instant::now())),
            _ => None,
        };
        self.shard = shard;
    }

    /// No socket for longer than a lease: somebody else may have our shard.
    fn is_long_down(&self) -> bool {
        self.down_since.is_some_and(|since| since.elapsed() > GIVEN_UP_AFTER)
    }
}

/// Where our one shard stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum ShardState {
    /// No transport: the socket is not connected.
    #[default]
    Down,
    /// This transport waits to be assigned.
    ToAssign(ShardTransport),
    /// Twitch delivers to it.
    Enabled(ShardTransport),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ShardTransport {
    Socket { session_id: String },
    Webhook,
}

struct Channel {
    reader: ChatterId,
    want: Want,
    progress: Progress,
    /// A subscription that Twitch ended before its answer to our request for it came.
    ended_early: Option<(SubscriptionId, Revocation)>,
    backoff: Backoff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Read,
    StopAt(Instant),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Progress {
    /// To be asked for then.
    Due(Instant),
    Subscribed(SubscriptionId),
    /// Subscribed by another instance, or not: the record knows, and is looked at then.
    AsRecorded(Instant),
    /// Twitch does not allow it; asked for again then.
    Refused(Instant),
}

impl Progress {
    /// Where a channel stands whose subscription Twitch ended just now.
    fn after(why: Revocation) -> Self {
        match why {
            Revocation::NotAuthorized => Self::Refused(Instant::now() + REFUSED_FOR),
            Revocation::MakeAgain => Self::Due(Instant::now()),
        }
    }
}

/// Why Twitch ended a subscription. Source: "Revoking your subscription" in Twitch's webhook guide; statuses
/// of Get `EventSub` Subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Somebody must agree again, or unban the bot.
    NotAuthorized,
    /// It can simply be made again.
    MakeAgain,
}

impl Revocation {
    /// From `subscription.status`; unknown ones can do no harm when made again.
    pub fn from_status(status: &str) -> Self {
        match status {
            "authorization_revoked" | "user_removed" | "moderator_removed" | "chat_user_banned" => {
                Self::NotAuthorized
            }
            _ => Self::MakeAgain,
        }
    }
}

impl TwitchFeed {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// The socket was welcomed: its session wants to be our shard.
    pub(crate) fn socket_is_up(&self, session_id: &str) {
        let transport = ShardTransport::Socket { session_id: session_id.to_owned() };
        self.lock().set_shard(ShardState::ToAssign(transport));
        self.wake();
    }

    /// The socket is gone.
    pub(crate) fn socket_is_down(&self) {
        self.lock().set_shard(ShardState::Down);
    }

    /// Twitch disabled one of our conduit's shards, perhaps this one.
    pub(crate) fn doubt_shard(&self) {
        self.lock().is_urgent = true;
        self.wake();
    }

    /// Our shard is to be pointed at its transport again.
    fn assign_again(&self) {
        let mut state = self.lock();
        if let ShardState::Enabled(transport) = state.shard.clone() {
            state.set_shard(ShardState::ToAssign(transport));
        }
        state.is_urgent = true;
        state.assigned_anew += 1;
        drop(state);
        self.wake();
    }

    /// Twitch ended this subscription.
    pub(crate) fn revoked(&self, channel: &ChatChannel, id: &SubscriptionId, why: Revocation) {
        let ChatChannel { broadcaster, reader } = channel;
        let mut state = self.lock();
        // Nobody may want this chat just now; the streamer is told all the same.
        let idle =
            || Channel { want: Want::StopAt(Instant::now()), ..Channel::new(reader.clone(), Instant::now()) };
        let channel = state.channels.entry(broadcaster.clone()).or_insert_with(idle);
        let mut progress = Progress::after(why);
        match &channel.progress {
            // Perhaps a late word about an earlier subscription.
            Progress::Subscribed(present) if present != id => {
                if let Progress::Refused(retry_at) = &mut progress {
                    *retry_at = Instant::now() + DOUBTED_FOR;
                }
            }
            Progress::Subscribed(_) => {}
            Progress::Due(_) | Progress::AsRecorded(_) | Progress::Refused(_) => {
                channel.ended_early = Some((id.clone(), why));
            }
        }
        channel.progress = progress;
        state.ended.push((broadcaster.clone(), id.clone(), why));
        drop(state);
        self.wake();
    }

    /// Asks again at once where Twitch refused a chat that is wanted; forgets the refusal of one that is not.
    fn forgive_where(&self, is_meant: impl Fn(&ChannelId, &Channel) -> bool) {
        let mut state = self.lock();
        state.channels.retain(|broadcaster, channel| {
            if !matches!(channel.progress, Progress::Refused(_)) || !is_meant(broadcaster, channel) {
                return true;
            }
            channel.progress = Progress::Refused(Instant::now());
            channel.want == Want::Read
        });
        drop(state);
        self.wake();
    }

    /// Twitch delivers to us, or would if a chat were wanted.
    pub fn is_connected(&self) -> bool {
        matches!(self.lock().shard, ShardState::Enabled(_))
    }
}

impl ChatFeed for TwitchFeed {
    fn want(&self, wanted: ChatChannel) {
        let now = Instant::now();
        let mut state = self.lock();
        let channel = state
            .channels
            .entry(wanted.broadcaster)
            .or_insert_with(|| Channel::new(wanted.reader.clone(), now));
        channel.want = Want::Read;
        match &mut channel.progress {
            // Still refused until Twitch says otherwise, but asked for right away.
            Progress::Refused(retry_at) => *retry_at = now,
            progress if channel.reader != wanted.reader => *progress = Progress::Due(now),
            Progress::Subscribed(_) | Progress::AsRecorded(_) | Progress::Due(_) => {}
        }
        channel.reader = wanted.reader;
        drop(state);
        self.wake();
    }

    fn follow(&self, followed: ChatChannel) {
        let now = Instant::now();
        let elsewhere =
            || Channel { progress: Progress::AsRecorded(now), ..Channel::new(followed.reader.clone(), now) };
        let mut state = self.lock();
        let channel = state.channels.entry(followed.broadcaster.clone()).or_insert_with(elsewhere);
        channel.want = Want::Read;
        channel.reader = followed.reader;
        channel.look_again(now);
        drop(state);
        self.wake();
    }

    fn unwant(&self, broadcaster: &ChannelId) {
        let now = Instant::now();
        let elsewhere =
            || Channel { progress: Progress::AsRecorded(now), ..Channel::new(broadcaster.owner(), now) };
        self.lock().channels.entry(broadcaster.clone()).or_insert_with(elsewhere).want = Want::StopAt(now);
        self.wake();
    }

    fn release(&self, broadcaster: &ChannelId) {
        let mut state = self.lock();
        let Some(channel) = state.channels.get_mut(broadcaster) else {
            return;
        };
        channel.want = Want::StopAt(Instant::now());
        if !matches!(channel.progress, Progress::Refused(_)) {
            state.channels.remove(broadcaster);
        }
    }

    fn doubt(&self, broadcaster: &ChannelId) {
        let mut state = self.lock();
        let Some(channel) = state.channels.get_mut(broadcaster) else {
            return;
        };
        if channel.want == Want::Read {
            channel.look_again(Instant::now());
        } else if !matches!(channel.progress, Progress::Refused(_)) {
            // What this instance had to stop, as a leader of before, is served again.
            state.channels.remove(broadcaster);
        }
        drop(state);
        self.wake();
    }

    fn refuse(&self, refused: ChatChannel) {
        let now = Instant::now();
        let idle = || Channel { want: Want::StopAt(now), ..Channel::new(refused.reader.clone(), now) };
        let mut state = self.lock();
        let channel = state.channels.entry(refused.broadcaster).or_insert_with(idle);
        if !matches!(channel.progress, Progress::Refused(_)) {
            channel.progress = Progress::Refused(now + REFUSED_FOR);
        }
    }

    fn forgive(&self, broadcaster: &ChannelId) {
        self.forgive_where(|known, _| known == broadcaster);
    }

    fn forgive_reader(&self, reader: &ChatterId) {
        self.forgive_where(|_, channel| channel.reader == *reader);
    }

    fn forgive_all(&self) {
        self.forgive_where(|_, _| true);
    }

    fn tell_refusals(&self) {
        self.lock().are_refusals_asked = true;
        self.wake();
    }

    fn state(&self, broadcaster: &ChannelId) -> ChatState {
        let state = self.lock();
        let known_elsewhere = match state.shard {
            ShardState::Enabled(_) => ChatState::Idle,
            ShardState::Down | ShardState::ToAssign(_) => ChatState::Connecting,
        };
        let Some(channel) = state.channels.get(broadcaster) else {
            return known_elsewhere;
        };
        match (&channel.progress, channel.want) {
            (Progress::Refused(_), _) => ChatState::NotAuthorized,
            (_, Want::StopAt(_)) => ChatState::Idle,
            (Progress::Subscribed(_), Want::Read) if matches!(state.shard, ShardState::Enabled(_)) => {
                ChatState::Reading
            }
            // Whoever wants to know looks at the record too.
            (Progress::AsRecorded(_), Want::Read) => known_elsewhere,
            (Progress::Subscribed(_) | Progress::Due(_), Want::Read) => ChatState::Connecting,
        }
    }
}

impl Channel {
    fn new(reader: ChatterId, now: Instant) -> Self {
        Self {
            reader,
            want: Want::Read,
            progress: Progress::Due(now),
            ended_early: None,
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(4)).then(TRIED_AGAIN_AFTER),
        }
    }

    /// Something changed: perhaps it is subscribed no longer. A refusal stays.
    fn look_again(&mut self, now: Instant) {
        if let Progress::Subscribed(_) = self.progress {
            self.progress = Progress::AsRecorded(now);
        }
    }

    /// When there is something to do about this channel.
    fn due_at(&self) -> Option<Instant> {
        match (self.want, &self.progress) {
            // A refusal is remembered until it would be asked again.
            (Want::Read, Progress::Due(at) | Progress::AsRecorded(at)) | (_, Progress::Refused(at)) => {
                Some(*at)
            }
            (Want::Read, Progress::Subscribed(_)) => None,
            (Want::StopAt(at), Progress::Subscribed(_) | Progress::Due(_)) => Some(at),
            (Want::StopAt(stop_at), Progress::AsRecorded(at)) => Some(stop_at.max(*at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use chatpulse_domain::ids::Platform;

    use super::*;

    fn streamer() -> ChannelId {
        ChannelId::new(Platform::Twitch, "42").unwrap()
    }

    fn channel() -> ChatChannel {
        ChatChannel { broadcaster: streamer(), reader: ChatterId::new(Platform::Twitch, "7").unwrap() }
    }

    fn enabled(feed: &TwitchFeed) {
        feed.lock().set_shard(ShardState::Enabled(ShardTransport::Webhook));
    }

    #[test]
    fn what_only_a_record_knows_is_not_said_to_be_read_while_twitch_is_away() {
        let feed = TwitchFeed::new();
        assert_eq!(feed.state(&streamer()), ChatState::Connecting);
        feed.follow(channel());
        assert_eq!(feed.state(&streamer()), ChatState::Connecting);
        enabled(&feed);
        assert_eq!(feed.state(&streamer()), ChatState::Idle, "look at the record");
    }

    #[test]
    fn a_refusal_of_a_chat_that_is_not_wanted_here_is_forgiven_with_its_reader() {
        let feed = TwitchFeed::new();
        enabled(&feed);
        let id = SubscriptionId::new("sub-1").unwrap();
        feed.revoked(&channel(), &id, Revocation::NotAuthorized);
        assert_eq!(feed.state(&streamer()), ChatState::NotAuthorized);
        feed.forgive_reader(&ChatterId::new(Platform::Twitch, "8").unwrap());
        assert_eq!(feed.state(&streamer()), ChatState::NotAuthorized);
        feed.forgive_reader(&channel().reader);
        assert_eq!(feed.state(&streamer()), ChatState::Idle);
        assert!(feed.lock().channels.is_empty());
    }

    #[test]
    fn a_stop_that_a_leader_of_before_had_to_make_is_left_when_the_chat_is_served_again() {
        let feed = TwitchFeed::new();
        feed.unwant(&streamer());
        assert_eq!(feed.lock().channels.len(), 1);
        feed.doubt(&streamer());
        assert!(feed.lock().channels.is_empty());
    }
}
