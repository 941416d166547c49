//! Signals between instances through Redis pub/sub.
//!
//! Subscribers in this process get a signal at once, without Redis. Other instances get it through one channel for each
//! kind; a message begins with its sender, so that an instance skips the messages that it published. Changes of a bar
//! are published at most once per session and tick. When signals may have been lost (a new subscription, a slow
//! subscriber, an outage of Redis and its end) subscribers get a [`Heard::Gap`] and read everything once.

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
use wire::Channels;

/// Signals that may wait for a subscriber before it gets a gap instead: two seconds of votes in 1,000 changing sessions,
/// at about 80 bytes a signal.
const DELIVERY_MAX: usize = 4_096;

/// Signals that may wait to be published: 200 changing sessions at 20 ticks make 4,000 a second. More are dropped; what
/// they announce is found by regular checks.
const OUTGOING_MAX: usize = 4_096;

/// Signals in one pipeline.
const BATCH_MAX: usize = 256;

/// How often the subscription is checked.
const PING_EVERY: Duration = Duration::from_secs(3);

/// Publishes signals to every instance. Clones share the subscribers.
#[derive(Clone)]
pub struct RedisSignals {
    shared: Arc<Shared>,
}

struct Shared {
    channels: Channels,
    delivery: broadcast::Sender<Heard>,
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
    /// Subscribes at Redis. Signals from now on are received, and delivered once the worker runs.
    pub async fn connect(
        redis: &Redis,
        origin: InstanceId,
        tick: Duration,
    ) -> Result<(Self, SignalWorker), ConnectError> {
        let subscriber = redis.subscriber()?;
        let channels = Channels::of_database(redis.database());
        let messages = subscriber.message_rx();
        let begun = timeout(redis.connect_timeout(), async {
            subscriber.init().await?;
            subscriber.subscribe(channels.names()).await
        });
        match begun.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(abort(&subscriber, ConnectError::unreachable(error)).await),
            Err(late) => return Err(abort(&subscriber, ConnectError::unreachable(late)).await),
        }
        let (sender, outgoing) = mpsc::channel(OUTGOING_MAX);
        let delivery = broadcast::Sender::new(DELIVERY_MAX);
        let shared = Arc::new(Shared { channels, delivery, outgoing: sender, changes: Changes::new(tick) });
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

async fn abort(subscriber: &SubscriberClient, error: ConnectError) -> ConnectError {
    let _ = timeout(Duration::from_millis(200), subscriber.quit()).await;
    error
}

impl Signals for RedisSignals {
    fn publish(&self, signal: Signal) {
        self.shared.deliver(Heard::Signal(signal.clone()));
        if self.shared.changes.is_due(&signal) {
            self.shared.enqueue(signal);
        }
    }

    fn subscribe(&self) -> Box<dyn SignalStream> {
        Box::new(RedisStream { delivery: self.shared.delivery.subscribe() })
    }
}

impl Shared {
    /// Delivers to the subscribers in this process.
    fn deliver(&self, heard: Heard) {
        // An error means that there is no subscriber.
        let _ = self.delivery.send(heard);
    }

    /// Queues for the other instances.
    fn enqueue(&self, signal: Signal) {
        if self.outgoing.try_send(signal).is_err() {
            debug!("dropped a signal because the queue is full");
        }
    }
}

impl SignalWorker {
    /// Publishes and receives until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { redis, subscriber, messages, shared, outgoing, origin } = self;
        let receiving = receive(&redis, &subscriber, messages, &shared, &origin);
        let pinging = keep_alive(&redis, &subscriber);
        let publishing = publish(&redis, outgoing, &shared.channels, &origin);
        let repeating = shared.changes.repeat(|signal| shared.enqueue(signal));
        tokio::select! {
            () = stop.cancelled() => {}
            () = receiving => {}
            () = pinging => {}
            () = publishing => {}
            () = repeating => {}
        }
        let _ = timeout(redis.connect_timeout(), subscriber.quit()).await;
    }
}

async fn receive(
    redis: &Redis,
    subscriber: &SubscriberClient,
    mut messages: broadcast::Receiver<Message>,
    shared: &Shared,
    origin: &InstanceId,
) {
    let mut reconnects = subscriber.reconnect_rx();
    let (mut reachable, mut refusal) = (redis.reachable(), redis.refusal());
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Ok(message) => handle(&message, shared, origin),
                Err(RecvError::Lagged(_)) => shared.deliver(Heard::Gap),
                Err(RecvError::Closed) => return,
            },
            Ok(_) | Err(RecvError::Lagged(_)) = reconnects.recv() => resubscribe(redis, subscriber, shared).await,
            Ok(()) = reachable.changed() => shared.deliver(Heard::Gap),
            Ok(()) = refusal.changed() => shared.deliver(Heard::Gap),
        }
    }
}

/// Subscribes again, then reports a gap: no signal is lost in between.
async fn resubscribe(redis: &Redis, subscriber: &SubscriberClient, shared: &Shared) {
    let answer = timeout(redis.connect_timeout(), subscriber.subscribe(shared.channels.names()));
    match answer.await {
        Ok(Ok(())) => shared.deliver(Heard::Gap),
        // The connection failed again.
        _ => reconnect(redis, subscriber).await,
    }
}

/// Pings the subscription. One that died silently would receive nothing without an error.
async fn keep_alive(redis: &Redis, subscriber: &SubscriberClient) {
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
            warn!("the subscription to Redis does not answer; reconnecting");
            reconnect(redis, subscriber).await;
        }
    }
}

/// Starts a reconnection. `receive` notices when it succeeded, as after any other.
async fn reconnect(redis: &Redis, subscriber: &SubscriberClient) {
    let _ = timeout(redis.connect_timeout(), subscriber.force_reconnection()).await;
}

fn handle(message: &Message, shared: &Shared, origin: &InstanceId) {
    let Some(channel) = shared.channels.find(&message.channel) else {
        return;
    };
    metrics::counter!("pubsub_messages_received_total", "channel" => channel).increment(1);
    let text = message.value.as_str();
    match text.as_deref().and_then(|text| wire::decode(channel, text)) {
        // Skip messages that this instance published.
        Some((sender, _)) if sender == origin.as_str() => {}
        Some((_, signal)) => shared.deliver(Heard::Signal(signal)),
        None => debug!(channel, "skipped a malformed signal"),
    }
}

async fn publish(
    redis: &Redis,
    mut outgoing: mpsc::Receiver<Signal>,
    channels: &Channels,
    origin: &InstanceId,
) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while outgoing.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let encoded = batch.drain(..).map(|signal| wire::encode(&signal, origin));
        let messages: Vec<_> = encoded.map(|(channel, text)| (channels.name(channel), text)).collect();
        let published = redis.commands(PUBLISH, |client| async move {
            let pipeline = client.pipeline();
            for (channel, text) in messages {
                let _: Value = pipeline.publish(channel, text).await?;
            }
            pipeline.all::<Value>().await
        });
        if let Err(error) = published.await {
            debug!(%error, "failed to publish signals");
        }
    }
}

struct RedisStream {
    delivery: broadcast::Receiver<Heard>,
}

#[async_trait]
impl SignalStream for RedisStream {
    async fn next(&mut self) -> Heard {
        match self.delivery.recv().await {
            Ok(heard) => heard,
            Err(RecvError::Lagged(_)) => Heard::Gap,
            Err(RecvError::Closed) => Heard::Closed,
        }
    }
}
