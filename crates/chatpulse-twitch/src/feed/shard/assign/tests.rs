use std::sync::atomic::{AtomicU32, Ordering};

use chatpulse_domain::secret::Secret;
use mockall::predicate::{always, eq};

use super::*;
use crate::feed::testing::{Instance, MockLeases, conduit, one_shard, ours, shard, unreachable};
use crate::helix::conduits::MockConduitApi;

const WEBHOOK_PENDING: &str = "webhook_callback_verification_pending";

fn webhook() -> Transport {
    let callback = "https://chatpulse.example/webhooks/eventsub".to_owned();
    Transport::Webhook { callback, secret: Secret::new("a secret of ours") }
}

/// Leases that give the instance this slot, whatever is stored there now.
fn slots(slot: impl Fn() -> ShardSlot + Send + 'static) -> MockLeases {
    let mut leases = MockLeases::new();
    leases.expect_acquire().returning(move || Ok(slot()));
    leases
}

async fn assigner(
    api: MockConduitApi,
    leases: MockLeases,
    transport: Transport,
    at: &Instance,
) -> ShardAssigner {
    // Of an earlier start.
    at.records().replace_conduit(None, &ours()).await.unwrap();
    let conduits = Conduits::new(Arc::new(api), at.records(), at.leadership());
    if let Transport::Webhook { .. } = transport {
        at.feed.lock().shard.connected(ShardTransport::Webhook, Instant::now());
    }
    ShardAssigner::new(at.feed.clone(), conduits, at.leadership(), Arc::new(leases), transport)
}

/// Our conduit is there, with so many shards.
fn twitch(shards: u32) -> MockConduitApi {
    let mut api = MockConduitApi::new();
    api.expect_conduits().returning(move || Ok(vec![conduit("ours", shards)]));
    api
}

fn enabled() -> String {
    ENABLED.to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_welcomed_socket_becomes_the_shard_of_this_instances_slot() {
    let at = Instance::new();
    let mut api = twitch(3);
    let socket = ApiTransport::websocket("session-1");
    api.expect_assign_shard().with(eq(ours()), eq(2), eq(socket)).times(1).returning(|_, _, _| Ok(enabled()));
    let leases = slots(|| ShardSlot { index: 2, count: 3 });
    let mut assigner = assigner(api, leases, Transport::WebSocket, &at).await;
    assert!(!assigner.run_due().await, "there is no socket yet");
    at.feed.socket_connected("session-1");
    assert!(assigner.run_due().await);
    assert!(at.feed.is_connected());
    assert!(!assigner.run_due().await, "and nothing is left to do");
}

#[tokio::test(start_paused = true)]
async fn a_refused_shard_is_retried_with_backoff_and_a_new_socket_at_once() {
    let at = Instance::new();
    let mut api = twitch(1);
    let refused = || TwitchError::ShardRefused("The websocket session is not connected.".into());
    api.expect_assign_shard().times(2).returning(move |_, _, _| Err(refused()));
    api.expect_assign_shard().times(1).returning(|_, _, _| Ok(enabled()));
    let mut assigner = assigner(api, slots(|| ShardSlot::SOLE), Transport::WebSocket, &at).await;
    at.feed.socket_connected("session-1");
    for longest in [1, 2] {
        let now = Instant::now();
        assert!(!assigner.run_due().await);
        assert!(!assigner.run_due().await, "it waits");
        let next = assigner.next_at().unwrap();
        assert!(now < next && next <= now + Duration::from_secs(longest));
        tokio::time::advance(next - now).await;
    }
    at.feed.socket_connected("session-2");
    assert!(assigner.run_due().await);
    assert!(at.feed.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_gone_before_twitchs_answer_is_not_enabled() {
    let at = Instance::new();
    let mut api = twitch(1);
    let feed = at.feed.clone();
    api.expect_assign_shard().returning(move |_, _, _| {
        feed.socket_disconnected();
        Ok(enabled())
    });
    let mut assigner = assigner(api, slots(|| ShardSlot::SOLE), Transport::WebSocket, &at).await;
    at.feed.socket_connected("session-1");
    assigner.run_due().await;
    assert!(!at.feed.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_webhook_is_enabled_once_twitch_has_verified_it() {
    let at = Instance::new();
    let mut api = twitch(1);
    api.expect_assign_shard().times(1).returning(|_, _, _| Ok(WEBHOOK_PENDING.to_owned()));
    api.expect_shards().times(5).returning(|_| Ok(vec![shard(0, WEBHOOK_PENDING)]));
    api.expect_shards().returning(|_| Ok(vec![shard(0, ENABLED)]));
    let mut assigner = assigner(api, MockLeases::new(), webhook(), &at).await;
    assert!(assigner.run_due().await);
    assert!(at.feed.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_is_not_verified_in_time_is_tried_again() {
    for status in [WEBHOOK_PENDING, "webhook_callback_verification_failed", "brand_new"] {
        let at = Instance::new();
        let mut api = twitch(1);
        api.expect_assign_shard().returning(|_, _, _| Ok(String::new()));
        api.expect_shards().returning(move |_| Ok(vec![shard(0, status)]));
        let mut assigner = assigner(api, MockLeases::new(), webhook(), &at).await;
        assert!(!assigner.run_due().await);
        assert!(!at.feed.is_connected(), "{status}");
        assert!(assigner.next_at().unwrap() > Instant::now());
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_points_the_webhook_shard_at_our_address() {
    let at = Instance::new();
    at.leader.set(false);
    let mut api = twitch(1);
    api.expect_assign_shard().never();
    api.expect_shards().returning(|_| Ok(vec![shard(0, ENABLED)]));
    let mut assigner = assigner(api, MockLeases::new(), webhook(), &at).await;
    assert!(assigner.run_due().await);
    assert!(at.feed.is_connected());
}

/// An assigned shard, whose next check finds this.
async fn checked(
    found: impl Fn() -> Result<Vec<crate::helix::conduits::Shard>, TwitchError> + Send + 'static,
) -> bool {
    let at = Instance::new();
    let mut api = twitch(1);
    api.expect_assign_shard().returning(|_, _, _| Ok(enabled()));
    api.expect_shards().returning(move |_| found());
    let mut assigner = assigner(api, slots(|| ShardSlot::SOLE), Transport::WebSocket, &at).await;
    at.feed.socket_connected("session-1");
    assert!(assigner.run_due().await);
    assert_eq!(assigner.next_at(), Some(Instant::now() + CHECK_EVERY));
    tokio::time::advance(CHECK_EVERY).await;
    assigner.run_due().await;
    at.feed.is_connected()
}

#[tokio::test(start_paused = true)]
async fn an_enabled_shard_is_checked_every_minute_and_assigned_again_when_it_is_lost() {
    assert!(checked(|| Ok(vec![shard(0, ENABLED)])).await);
    assert!(!checked(|| Ok(vec![shard(0, "websocket_disconnected")])).await, "disabled");
    assert!(!checked(|| Ok(vec![shard(1, ENABLED)])).await, "not ours");
    assert!(!checked(|| Err(TwitchError::NotFound("conduit".into()))).await, "the conduit is gone");
    assert!(checked(|| Err(unreachable())).await, "that Twitch does not answer says nothing");
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_twitch_reports_as_disabled_is_checked_at_once() {
    let at = Instance::new();
    let mut api = twitch(1);
    api.expect_assign_shard().times(2).returning(|_, _, _| Ok(enabled()));
    api.expect_shards().returning(|_| Ok(vec![shard(0, "notification_failures_exceeded")]));
    let mut assigner = assigner(api, slots(|| ShardSlot::SOLE), Transport::WebSocket, &at).await;
    at.feed.socket_connected("session-1");
    assert!(assigner.run_due().await);
    at.feed.check_shard();
    assigner.run_due().await;
    assert!(assigner.run_due().await, "assigned again");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_moves_to_a_lower_slot_is_assigned_there_and_the_leader_removes_the_shard_it_left() {
    let at = Instance::new();
    let (index, shards) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicU32::new(2)));
    let mut api = MockConduitApi::new();
    let count = Arc::clone(&shards);
    api.expect_conduits().returning(move || Ok(vec![conduit("ours", count.load(Ordering::SeqCst))]));
    api.expect_shards().returning(|_| Ok(vec![shard(0, ENABLED), shard(1, ENABLED)]));
    for assigned in [1, 0] {
        api.expect_assign_shard()
            .with(always(), eq(assigned), always())
            .times(1)
            .returning(|_, _, _| Ok(enabled()));
    }
    let count = Arc::clone(&shards);
    api.expect_resize_conduit().with(always(), eq(1)).times(1).returning(move |_, shards| {
        count.store(shards, Ordering::SeqCst);
        Ok(())
    });
    let slot = Arc::clone(&index);
    let leases = slots(move || {
        let index = slot.load(Ordering::SeqCst);
        ShardSlot { index, count: index + 1 }
    });
    let mut assigner = assigner(api, leases, Transport::WebSocket, &at).await;
    at.feed.socket_connected("session-1");
    assert!(assigner.run_due().await);
    index.store(0, Ordering::SeqCst);
    at.feed.assign_shard_again();
    assert!(assigner.run_due().await);
    assert!(!assigner.run_due().await, "checked at once, because it moved");
    assert_eq!(shards.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_does_not_lead_removes_no_shard() {
    let at = Instance::new();
    at.leader.set(false);
    let mut api = twitch(2);
    api.expect_assign_shard().returning(|_, _, _| Ok(enabled()));
    api.expect_shards().returning(|_| Ok(vec![shard(0, ENABLED)]));
    api.expect_resize_conduit().never();
    let mut assigner = assigner(api, slots(|| ShardSlot::SOLE), Transport::WebSocket, &at).await;
    at.feed.socket_connected("session-1");
    assert!(assigner.run_due().await);
    at.feed.check_shard();
    assigner.run_due().await;
    assert!(at.feed.is_connected());
}

#[tokio::test(start_paused = true)]
async fn without_a_socket_the_conduit_is_found_all_the_same_after_a_while() {
    let at = Instance::new();
    let mut assigner = assigner(one_shard(), slots(|| ShardSlot::SOLE), Transport::WebSocket, &at).await;
    assigner.run_due().await;
    assert_eq!(assigner.conduit(), None, "a socket may come first");
    tokio::time::advance(SOCKET_FIRST).await;
    assigner.run_due().await;
    assert_eq!((assigner.conduit(), assigner.next_at()), (Some(&ours()), None));
}
