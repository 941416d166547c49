//! Adapters on a real server, with a function library whose time the test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::secret::Secret;
use chatpulse_domain::token_bucket::BucketLimit;
use chatpulse_store_redis::Library;
use chatpulse_store_redis::{FencingTokens, Redis, RedisConfig, RedisInstances, RedisLeadership, RedisLive};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::contract::{Live, TimeControl};
use fred::prelude::*;
use fred::types::config::Options;

/// The library's function for the time, as in `lua/chatpulse.lua`.
const NOW: &str = "local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
";

/// Its replacement returns the time that the test set last.
const TEST_NOW: &str = "local test_now_ms = 0
local function now_ms()
  return test_now_ms
end
redis.register_function('chatpulse_set_time', function(_, args)
  test_now_ms = tonumber(args[1])
  return test_now_ms
end)
";

/// How far the test's time is ahead of the server's clock: no key expires during the test, and all do soon after.
const AHEAD: Duration = Duration::from_hours(24);

/// Silence after which an [`Instance`] is dead.
pub(crate) const DEAD_AFTER: Duration = Duration::from_secs(30);

/// A configuration with a deadline for slow machines.
pub(crate) fn config(url: &str) -> RedisConfig {
    RedisConfig { deadline: Duration::from_secs(5), ..RedisConfig::new(Secret::new(url)) }
}

/// The library under another name, with that one function replaced.
fn library_with_test_clock(name: &str) -> Library {
    let embedded = Library::embedded();
    let code = embedded.code();
    assert_eq!(code.matches(NOW).count(), 1, "the library reads the time in one place");
    assert_eq!(code.matches("redis.call('TIME')").count(), 1, "and nowhere else");
    let code = code.replace(NOW, TEST_NOW);
    let code =
        code.replace("name=chatpulse", &format!("name={name}")).replace("'chatpulse_", &format!("'{name}_"));
    Library::from_source(&code, name)
}

/// A connection whose functions use this test's clock.
pub(crate) struct World {
    pub(crate) redis: Redis,
    pub(crate) clock: Arc<RedisClock>,
}

impl World {
    pub(crate) async fn on(url: &str) -> Self {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let library = library_with_test_clock(&name);
        let redis = Redis::connect_with(&config(url), library).await.unwrap();
        let clock = RedisClock::on(url, name).await;
        Self { redis, clock: Arc::new(clock) }
    }

    /// Deletes the library, since the server may be a given one.
    pub(crate) async fn end(self) {
        self.clock.client.function_delete_cluster(self.clock.name.clone()).await.unwrap();
        self.redis.close().await;
    }

    /// The full name of a function of this world's library.
    pub(crate) fn function(&self, name: &str) -> String {
        format!("{}_{name}", self.clock.name)
    }

    /// New adapters, which share only server and time.
    pub(crate) fn live(&self, limit: Option<BucketLimit>) -> Live {
        let live = Arc::new(RedisLive::new(self.redis.clone(), limit, FencingTokens::default()));
        Live { votes: Arc::clone(&live) as _, sessions: live, time: Arc::clone(&self.clock) as _ }
    }
}

/// The time of a world, set at every node.
pub(crate) struct RedisClock {
    client: Client,
    name: String,
    unix_ms: AtomicI64,
}

impl RedisClock {
    async fn on(url: &str, name: String) -> Self {
        let client = Builder::from_config(Config::from_url(url).unwrap()).build().unwrap();
        client.init().await.unwrap();
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + AHEAD;
        let unix_ms = AtomicI64::new(i64::try_from(start.as_millis()).unwrap());
        let clock = Self { client, name, unix_ms };
        clock.advance(Duration::ZERO).await;
        clock
    }
}

#[async_trait]
impl TimeControl for RedisClock {
    async fn advance(&self, span: Duration) {
        self.move_by(i64::try_from(span.as_millis()).unwrap()).await;
    }
}

impl RedisClock {
    pub(crate) fn unix_ms(&self) -> i64 {
        self.unix_ms.load(Ordering::SeqCst)
    }

    /// Sets the time back.
    pub(crate) async fn advance_back(&self, span: Duration) {
        self.move_by(-i64::try_from(span.as_millis()).unwrap()).await;
    }

    async fn move_by(&self, ms: i64) {
        let now = self.unix_ms.fetch_add(ms, Ordering::SeqCst) + ms;
        let function = format!("{}_set_time", self.name);
        let nodes = match self.client.cached_cluster_state() {
            Some(nodes) => nodes.unique_primary_nodes().into_iter().map(Some).collect(),
            None => vec![None],
        };
        for cluster_node in nodes {
            let at_node = self.client.with_options(&Options { cluster_node, ..Options::default() });
            let set: i64 = at_node.fcall(&function, Vec::<String>::new(), vec![now]).await.unwrap();
            assert_eq!(set, now);
        }
    }
}

/// One process of a fleet: adapters that share their fencing tokens.
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) live: RedisLive,
    pub(crate) leadership: RedisLeadership,
    pub(crate) registry: RedisInstances,
}

impl Instance {
    /// With a lease that does not end during the test.
    pub(crate) fn new(redis: &Redis, id: &str) -> Self {
        Self::with_lease(redis, id, Duration::from_mins(5))
    }

    pub(crate) fn with_lease(redis: &Redis, id: &str, lease: Duration) -> Self {
        let (id, fencing) = (build::instance(id), FencingTokens::default());
        let live = RedisLive::new(redis.clone(), None, fencing.clone());
        let leadership = RedisLeadership::with_lease(redis.clone(), id.clone(), fencing, lease);
        let registry =
            RedisInstances::with_dead_after(live.clone(), leadership.clone(), id.clone(), DEAD_AFTER);
        Self { id, live, leadership, registry }
    }
}

/// Polls until the condition is true.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let polling = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_mins(1), polling).await.is_ok(), "never: {what}");
}
