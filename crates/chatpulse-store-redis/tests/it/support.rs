//! Adapters on a real server, with the test's own time in the function library.

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

/// The library's own function for the time, as it stands in the file.
const NOW: &str = "local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
";

/// In its place, time is what the test last set it to.
const TEST_NOW: &str = "local test_now_ms = 0
local function now_ms()
  return test_now_ms
end
redis.register_function('chatpulse_set_time', function(_, args)
  test_now_ms = tonumber(args[1])
  return test_now_ms
end)
";

/// A day ahead of the server's own clock: nothing expires while the test looks, and all of it soon after.
const AHEAD: Duration = Duration::from_hours(24);

pub(crate) fn config(url: &str) -> RedisConfig {
    RedisConfig { deadline: Duration::from_secs(5), ..RedisConfig::new(Secret::new(url)) }
}

/// The same file, under a name of its own, with that one function replaced.
fn library_with_test_clock(name: &str) -> Library {
    let embedded = Library::embedded();
    let code = embedded.code();
    assert_eq!(code.matches(NOW).count(), 1, "the library reads the time in one place");
    assert_eq!(code.matches("redis.call('TIME')").count(), 1, "and in no other");
    let code = code.replace(NOW, TEST_NOW);
    let code =
        code.replace("name=chatpulse", &format!("name={name}")).replace("'chatpulse_", &format!("'{name}_"));
    Library::from_source(&code, name)
}

/// A connection whose functions go by this test's clock, and by no other test's.
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

    /// Takes the library away again: the server may be somebody else's.
    pub(crate) async fn end(self) {
        self.clock.client.function_delete_cluster(self.clock.name.clone()).await.unwrap();
        self.redis.close().await;
    }

    /// Fresh adapters: they share server and time, and nothing else.
    pub(crate) fn live(&self, limit: Option<BucketLimit>) -> Live {
        let live = Arc::new(RedisLive::new(self.redis.clone(), limit, FencingTokens::default()));
        Live { votes: Arc::clone(&live) as _, sessions: live, time: Arc::clone(&self.clock) as _ }
    }
}

/// Sets the time at every node.
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

impl RedisClock {
    pub(crate) fn unix_ms(&self) -> i64 {
        self.unix_ms.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TimeControl for RedisClock {
    async fn advance(&self, span: Duration) {
        let ms = i64::try_from(span.as_millis()).unwrap();
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

/// One process of a fleet: adapters that share a fencing.
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) live: RedisLive,
    pub(crate) leadership: RedisLeadership,
    pub(crate) registry: RedisInstances,
}

impl Instance {
    pub(crate) fn new(redis: &Redis, id: &str, lease: Duration, dead_after: Duration) -> Self {
        let (id, fencing) = (build::instance(id), FencingTokens::default());
        let live = RedisLive::new(redis.clone(), None, fencing.clone());
        let leadership = RedisLeadership::with_lease(redis.clone(), id.clone(), fencing, lease);
        let registry =
            RedisInstances::with_dead_after(live.clone(), leadership.clone(), id.clone(), dead_after);
        Self { id, live, leadership, registry }
    }
}

/// Looks again and again until it is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), looking).await.is_ok(), "never: {what}");
}
