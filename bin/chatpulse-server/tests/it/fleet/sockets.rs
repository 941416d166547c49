//! A fleet without a public URL: each instance reads chat over its own socket, which is its shard of the one conduit.

use std::time::Duration;

use chatpulse_twitch_sim::{ChatLine, Chatter, Conduit, Endpoint, Fault, Limits, Sim, SimConfig, Status};
use futures_util::future::join_all;

use crate::support::fleet::Fleet;
use crate::support::server::Setup;
use crate::support::world::{OTHER, STREAMER, sim_config};
use crate::support::{SOON, eventually};

/// We promise this; Twitch promises nothing about the pace.
const TAKEN_OVER_WITHIN: Duration = Duration::from_mins(1);

async fn start(instances: usize) -> Fleet {
    start_at(sim_config(), instances).await
}

async fn start_at(twitch: SimConfig, instances: usize) -> Fleet {
    let fast = |setup: Setup| setup.set("CLEANUP_INTERVAL", "500ms");
    let mut fleet = Fleet::at(twitch, fast).await.by_socket();
    // At once: nobody waits for the others, and each looks before another has made anything.
    fleet.sim.set_latency(Duration::from_millis(300));
    fleet.instances = join_all((0..instances).map(|_| fleet.start_one())).await;
    assert!(fleet.sim.wait_until(SOON, |sim| has_shards(sim, instances)).await, "{:?}", fleet.sim.conduits());
    fleet.sim.set_latency(Duration::ZERO);
    fleet
}

/// The one conduit has so many shards, all of them enabled, each with a socket of its own.
fn has_shards(sim: &Sim, count: usize) -> bool {
    let conduits = sim.conduits();
    let [Conduit { shards, .. }] = conduits.as_slice() else {
        return false;
    };
    let sessions = shards.iter().filter(|shard| shard.status == Status::Enabled);
    let mut sessions: Vec<_> =
        sessions.filter_map(|shard| shard.transport.as_ref()?.session_id().map(str::to_owned)).collect();
    sessions.sort();
    sessions.dedup();
    shards.len() == count && sessions.len() == count
}

#[tokio::test]
async fn instances_that_start_at_once_make_one_conduit_with_a_shard_for_each() {
    let fleet = start(4).await;
    assert_eq!(fleet.sim.calls(Endpoint::CreateConduit), 1);
}

#[tokio::test]
async fn a_dead_instances_shard_is_taken_over_and_no_line_is_lost_for_good() {
    let mut fleet = start(3).await;
    let mut streamer = fleet.log_in().await;
    let mut overlay = streamer.open_overlay(&fleet.instances[0]).await;
    assert!(fleet.sim.wait_until_subscribed(STREAMER, SOON).await);
    for instance in &fleet.instances {
        streamer.browser = streamer.browser.clone().moved_to(instance);
        streamer.chat_becomes("reading").await;
    }
    let say = async |name: &str| fleet.sim.say(ChatLine::new(STREAMER, Chatter::named(name), "yes")).await;
    assert_eq!(say("Early").await.deliveries, 1);
    overlay.shows(|value| value > 5.0).await;

    // Once without warning, whoever it is, and once in order.
    let killed = fleet.instances.remove(1);
    killed.signal("KILL").await;
    let taken_over = fleet.sim.wait_until(TAKEN_OVER_WITHIN, |sim| has_shards(sim, 2));
    assert!(taken_over.await, "{:?}", fleet.sim.conduits());
    fleet.instances.remove(1).stop().await;
    let taken_over = fleet.sim.wait_until(TAKEN_OVER_WITHIN, |sim| has_shards(sim, 1));
    assert!(taken_over.await, "{:?}", fleet.sim.conduits());
    assert_eq!(fleet.sim.open_sockets(), 1);

    let before = fleet.counted("applied").await;
    assert_eq!(fleet.sim.say(ChatLine::new(STREAMER, Chatter::named("Late"), "yes")).await.deliveries, 1);
    eventually("the line counts", async || (fleet.counted("applied").await == before + 1.0).then_some(()))
        .await;
    assert_eq!(fleet.sim.calls(Endpoint::CreateConduit), 1);
    assert_eq!(fleet.sim.chat_subscriptions().len(), 1, "it outlived both");
}

/// As reported of Twitch (twitchdev/issues#914): what is taken away goes on with whatever socket it had.
#[tokio::test]
async fn shards_that_go_on_after_they_were_taken_away_lose_no_line_and_double_none() {
    let limits = Limits { dropped_shards_stay: true, ..sim_config().limits };
    let mut fleet = start_at(SimConfig { limits, ..sim_config() }, 3).await;
    let streamers = [fleet.log_in().await, fleet.log_in_other().await];
    let mut overlays = Vec::new();
    for (streamer, channel) in streamers.iter().zip([STREAMER, OTHER]) {
        overlays.push(streamer.open_overlay(&fleet.instances[0]).await);
        assert!(fleet.sim.wait_until_subscribed(channel, SOON).await);
    }
    for left in [2, 1] {
        // Whoever has the highest shard moves down; the one that it leaves still has its socket.
        fleet.instances.remove(1).stop().await;
        let taken_away = fleet.sim.wait_until(TAKEN_OVER_WITHIN, |sim| has_shards(sim, left));
        assert!(taken_away.await, "{:?}", fleet.sim.conduits());
        assert!(!fleet.sim.conduits()[0].dropped.is_empty());
        let before = fleet.counted("applied").await;
        for channel in [STREAMER, OTHER] {
            let line = ChatLine::new(channel, Chatter::named(format!("Ada{left}")), "yes");
            assert_eq!(fleet.sim.say(line).await.deliveries, 1, "{channel}: {:?}", fleet.sim.conduits());
        }
        eventually("each line counts once", async || {
            (fleet.counted("applied").await == before + 2.0).then_some(())
        })
        .await;
        let check = fleet.instances[0].setup().clone().arguments(&["check"]).run().await;
        assert!(check.stdout.contains("Twitch delivers chat to our conduit"), "{}", check.stdout);
    }
}

#[tokio::test]
async fn a_shard_that_twitch_refuses_delays_one_instance_and_no_other() {
    let fleet = start(1).await;
    let refused = Fault::status(202).body(
        r#"{"data":[],"errors":[{"id":"1","message":"The websocket session is not connected.","code":"invalid_parameter"}]}"#,
    );
    fleet.sim.fail_next(Endpoint::UpdateShards, &refused, 2);
    let mut second = fleet.start_one().await;
    assert!(second.log.says("Twitch refused the shard: The websocket session is not connected").await);
    assert!(fleet.sim.wait_until(SOON, |sim| has_shards(sim, 2)).await);
}

/// The leader may be the one whose way to the EventSub servers is blocked: the others have sockets, and it still makes the
/// conduit and looks after the chats.
#[tokio::test]
async fn a_leader_without_a_socket_holds_nobody_up() {
    let mut fleet = Fleet::without_instances(0, |setup| setup).await.by_socket();
    let nowhere = |setup: Setup| setup.set("TWITCH_EVENTSUB_WS_URL", "ws://127.0.0.1:9/ws");
    fleet.instances.push(fleet.start_one_with(nowhere).await);
    assert_eq!(fleet.leader().await, 0);
    fleet.add_instances(1).await;
    let mut streamer = fleet.log_in().await;
    let mut overlay = streamer.open_overlay(&fleet.instances[0]).await;
    assert!(fleet.sim.wait_until_subscribed(STREAMER, TAKEN_OVER_WITHIN).await, "{:?}", fleet.sim.conduits());
    streamer.browser = streamer.browser.clone().moved_to(&fleet.instances[1]);
    streamer.chat_becomes("reading").await;
    assert_eq!(fleet.sim.say(ChatLine::new(STREAMER, Chatter::named("Ada"), "yes")).await.deliveries, 1);
    overlay.shows(|value| value > 5.0).await;
    // Its shard goes to whoever can use one.
    let all_enabled = |sim: &Sim| {
        let conduits = sim.conduits();
        conduits[0].shards.iter().all(|shard| shard.status == Status::Enabled)
    };
    assert!(fleet.sim.wait_until(TAKEN_OVER_WITHIN, all_enabled).await, "{:?}", fleet.sim.conduits());
}

#[tokio::test]
async fn without_the_database_a_new_socket_is_our_shard_all_the_same() {
    let mut fleet = start(1).await;
    let mut streamer = fleet.log_in().await;
    let mut overlay = streamer.open_overlay(&fleet.instances[0]).await;
    assert!(fleet.sim.wait_until_subscribed(STREAMER, SOON).await);
    streamer.chat_becomes("reading").await;
    fleet.postgres.stop();
    let sessions = fleet.sim.sessions();
    fleet.sim.close_sockets(4000);
    let again = fleet.sim.wait_until(SOON, |sim| sim.sessions() != sessions && sim.chat_is_read(STREAMER));
    assert!(again.await, "{:?}", fleet.sim.conduits());
    assert_eq!(fleet.sim.say(ChatLine::new(STREAMER, Chatter::named("Ada"), "yes")).await.deliveries, 1);
    overlay.shows(|value| value > 5.0).await;
    fleet.postgres.restart();
}
