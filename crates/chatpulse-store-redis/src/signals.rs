//! Signals through Redis pub/sub, and past it to whoever listens in this process.
//!
//! Our own listeners hear of it at once, without Redis; other instances through one channel a kind, on which each
//! message begins with who sent it, so that nobody hears his own twice. Changes of a bar are published at most once
//! per session and tick. Whatever may have got lost (a new subscription, a slow listener, Redis gone or back) is a
//! [`Heard::Gap`]: look at everything once.

mod changes;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::ports::signals::{Heard, Signal, SignalStream, Signals};
use fred::clients::SubscriberClient;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::{ClientState, Message, Value};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::connection::{Redis, count_connection_errors};
use crate::error::ConnectError;
use crate::operation::PUBLISH;
use changes::Changes;
pub use wire::CHANNELS;

/// Signals a listener may lag behind before it hears a gap: two seconds of 1,000 changing sessions' worth of
/// uncoalesced votes of our own, at about 80 bytes each.
const HEARD_MAX: usize = 4_096;

/// Signals that wait to be published: 200 changing sessions at 20 ticks make 4,000 a second. More are dropped, and
/// heal without us.
const OUTGOING_MAX: usize = 4_096;

/// Published in one pipeline.
const BATCH_MAX: usize = 256;

/// A silent subscription is asked this often whether it still lives.
const PING_EVERY: Duration = Duration::from_secs(3);

/// Tells every instance. Clones are one.
#[derive(Clone)]
pub struct RedisSignals {
    shared: Arc<Shared>,
}

struct Shared {
    heard: broadcast::Sender<Heard>,
    outgoing: mpsc::Sender<Signal>,
    changes: Changes,
}

/// Carries signals between this process and Redis; see [`SignalWorker::run`].
pub struct SignalWorker {
    redis: Redis,
    subscriber: SubscriberClient,
    messages: broadcast::Receiver<Message>,
    shared: Arc<Shared>,
    outgoing: mpsc::Receiver<Signal>,
    origin: InstanceId,
}

impl RedisSignals {
    /// Subscribes. From now on nothing is missed, though it is only heard once the worker runs.
    pub async fn connect(
        redis: &Redis,
        origin: InstanceId,
        tick: Duration,
    ) -> Result<(Self, SignalWorker), ConnectError> {
        let subscriber = redis.subscriber()?;
        let messages = subscriber.message_rx();
        let begun = timeout(redis.connect_timeout(), async {
            subscriber.init().await?;
            subscriber.subscribe(CHANNELS.to_vec()).await
        });
        match begun.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(give_up(&subscriber, ConnectError::unreachable(error)).await),
            Err(late) => return Err(give_up(&subscriber, ConnectError::unreachable(late)).await),
        }
        let (sender, outgoing) = mpsc::channel(OUTGOING_MAX);
        let heard = broadcast::Sender::new(HEARD_MAX);
        let shared = Arc::new(Shared { heard, outgoing: sender, changes: Changes::new(tick) });
        let worker = SignalWorker {
            redis: redis.clone(),
            subscriber,
            messages,
            shared: Arc::clone(&shared),
            outgoing,
            origin,
        };
        Ok((Self { shared }, worker))
    }
}

async fn give_up(subscriber: &SubscriberClient, error: ConnectError) -> ConnectError {
    let _ = timeout(Duration::from_millis(200), subscriber.quit()).await;
    error
}

impl Signals for RedisSignals {
    fn publish(&self, signal: Signal) {
        self.shared.tell(Heard::Signal(signal.clone()));
        if self.shared.changes.is_due(&signal) {
            self.shared.send(signal);
        }
    }

    fn subscribe(&self) -> Box<dyn SignalStream> {
        Box::new(RedisStream { heard: self.shared.heard.subscribe() })
    }
}

impl Shared {
    /// Everybody in this process.
    fn tell(&self, heard: Heard) {
        // An error means that nobody listens, and then nobody misses it.
        let _ = self.heard.send(heard);
    }

    /// Everybody else.
    fn send(&self, signal: Signal) {
        if self.outgoing.try_send(signal).is_err() {
            debug!("a signal was dropped; those that it was for look by themselves");
        }
    }
}

impl SignalWorker {
    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { redis, subscriber, messages, shared, outgoing, origin } = self;
        let listening = listen(&redis, &subscriber, messages, &shared, &origin);
        let checking = check(&redis, &subscriber);
        let publishing = publish(&redis, outgoing, &origin);
        let repeating = shared.changes.repeat(|signal| shared.send(signal));
        tokio::select! {
            () = stop.cancelled() => {}
            () = listening => {}
            () = checking => {}
            () = publishing => {}
            () = repeating => {}
        }
        let _ = timeout(redis.connect_timeout(), subscriber.quit()).await;
    }
}

async fn listen(
    redis: &Redis,
    subscriber: &SubscriberClient,
    mut messages: broadcast::Receiver<Message>,
    shared: &Shared,
    origin: &InstanceId,
) {
    let mut reconnects = subscriber.reconnect_rx();
    let mut reachable = redis.reachable();
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Ok(message) => hear(&message, shared, origin),
                Err(RecvError::Lagged(_)) => shared.tell(Heard::Gap),
                Err(RecvError::Closed) => return,
            },
            Ok(_) | Err(RecvError::Lagged(_)) = reconnects.recv() => resubscribe(redis, subscriber, shared).await,
            Ok(()) = reachable.changed() => shared.tell(Heard::Gap),
        }
    }
}

/// Subscribed first, then everybody looks: nothing falls between.
async fn resubscribe(redis: &Redis, subscriber: &SubscriberClient, shared: &Shared) {
    let answer = timeout(redis.connect_timeout(), subscriber.subscribe(CHANNELS.to_vec()));
    match answer.await {
        Ok(Ok(())) => shared.tell(Heard::Gap),
        // The connection failed again.
        _ => make_anew(redis, subscriber).await,
    }
}

/// A connection that died without a word would be silent for ever.
async fn check(redis: &Redis, subscriber: &SubscriberClient) {
    let mut errors = subscriber.error_rx();
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pings.tick().await;
        count_connection_errors(&mut errors);
        if subscriber.state() != ClientState::Connected {
            continue;
        }
        let pong = timeout(redis.connect_timeout(), subscriber.ping::<Value>(None)).await;
        if !matches!(pong, Ok(Ok(_))) {
            warn!("the subscription to Redis does not answer; it is made anew");
            make_anew(redis, subscriber).await;
        }
    }
}

/// Begins to; that it is there again is heard like any other reconnection.
async fn make_anew(redis: &Redis, subscriber: &SubscriberClient) {
    let _ = timeout(redis.connect_timeout(), subscriber.force_reconnection()).await;
}

fn hear(message: &Message, shared: &Shared, origin: &InstanceId) {
    let channel: &str = &message.channel;
    let Some(channel) = CHANNELS.iter().find(|known| **known == channel) else {
        return;
    };
    metrics::counter!("pubsub_messages_received_total", "channel" => *channel).increment(1);
    let text = message.value.as_str();
    match text.as_deref().and_then(|text| wire::decode(channel, text)) {
        Some((sender, _)) if sender == origin.as_str() => {}
        Some((_, signal)) => shared.tell(Heard::Signal(signal)),
        None => debug!(channel, "a message that is no signal was skipped"),
    }
}

async fn publish(redis: &Redis, mut outgoing: mpsc::Receiver<Signal>, origin: &InstanceId) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while outgoing.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let messages: Vec<_> = batch.drain(..).map(|signal| wire::encode(&signal, origin)).collect();
        let published = redis.commands(PUBLISH, |client| async move {
            let pipeline = client.pipeline();
            for (channel, text) in messages {
                let _: Value = pipeline.publish(channel, text).await?;
            }
            pipeline.all::<Value>().await
        });
        if let Err(error) = published.await {
            debug!(%error, "signals were lost; those that they were for look by themselves");
        }
    }
}

struct RedisStream {
    heard: broadcast::Receiver<Heard>,
}

#[async_trait]
impl SignalStream for RedisStream {
    async fn next(&mut self) -> Heard {
        match self.heard.recv().await {
            Ok(heard) => heard,
            Err(RecvError::Lagged(_)) => Heard::Gap,
            Err(RecvError::Closed) => Heard::Closed,
        }
    }
}
