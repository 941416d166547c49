//! Which conduit is ours at a Twitch that has others.

use std::sync::Arc;

use chatpulse_domain::ports::subscriptions::SubscriptionRepository as _;
use chatpulse_domain::subscription::ChatState;
use chatpulse_twitch::config::Transport;
use chatpulse_twitch::feed::inspect::{ChatConnection, inspect};
use chatpulse_twitch::helix::Helix;
use chatpulse_twitch::twitch_clock::TwitchClock;
use chatpulse_twitch_sim::{Endpoint, Fault, Sim};
use serde_json::json;

use crate::world::{SOON, World, clock, eventually};

fn ids(sim: &Sim) -> Vec<String> {
    sim.conduits().into_iter().map(|conduit| conduit.id).collect()
}

async fn inspected(world: &World) -> ChatConnection {
    let helix =
        Helix::new(world.config(Transport::WebSocket), TwitchClock::new(Arc::new(clock())), None).unwrap();
    inspect(&helix, world.accounts.subscriptions.as_ref()).await.unwrap()
}

#[tokio::test]
async fn the_leader_creates_one_conduit_which_outlives_every_instance() {
    let world = World::start().await;
    let follower = world.instance_by(false, &Transport::WebSocket);
    let leader = world.instance(true).await;
    eventually("the follower finds it", async || follower.feed.is_connected()).await;
    let before = ids(&world.sim);
    assert_eq!(before.len(), 1);
    assert_eq!(world.accounts.subscriptions.conduit().await.unwrap().unwrap().as_str(), before[0]);
    drop((leader, follower));
    assert!(world.sim.wait_until(SOON, |sim| sim.open_sockets() == 0).await);
    let _restarted = world.instance(true).await;
    assert_eq!(ids(&world.sim), before);
    assert_eq!((world.sim.calls(Endpoint::CreateConduit), world.sim.calls(Endpoint::DeleteConduit)), (1, 0));
}

#[tokio::test]
async fn the_only_conduit_is_taken_over_when_nobody_uses_it_and_left_alone_otherwise() {
    let world = World::start().await;
    let production = world.instance(true).await;
    let theirs = ids(&world.sim);
    let laptop = world.with_another_database();
    let second = laptop.instance(true).await;
    assert_eq!(ids(&laptop.sim).len(), 2);
    drop((production, second));
    assert!(laptop.sim.wait_until(SOON, |sim| sim.open_sockets() == 0).await);
    laptop.sim.delete_conduit(&ids(&laptop.sim)[1]);
    let third = laptop.with_another_database();
    let _adopts = third.instance(true).await;
    assert_eq!(ids(&third.sim), theirs);
}

#[tokio::test]
async fn a_conduit_that_is_deleted_while_we_run_is_created_again_with_its_chats() {
    let world = World::start().await;
    let instance = world.instance(true).await;
    instance.read_chat();
    instance.becomes(ChatState::Reading).await;
    assert!(world.sim.wait_until(SOON, |sim| sim.subscriptions().len() == 3).await);
    let gone = ids(&world.sim).remove(0);
    // The shard is checked at this word, long before its minute is over.
    world.sim.fail_next(Endpoint::GetShards, &Fault::status(404), 1);
    let event =
        json!({ "conduit_id": gone, "shard_id": "0", "status": "websocket_disconnected", "transport": null });
    assert_eq!(world.sim.push_event("conduit.shard.disabled", &event).await, 1);
    world.sim.delete_conduit(&gone);
    let again = |sim: &Sim| sim.chat_is_read(crate::world::STREAMER) && !ids(sim).contains(&gone);
    assert!(world.sim.wait_until(SOON, again).await, "{:?}", world.sim.conduits());
    assert_eq!(ids(&world.sim).len(), 1);
    instance.becomes(ChatState::Reading).await;
}

#[tokio::test]
async fn what_twitch_has_of_our_conduit_can_be_inspected() {
    let world = World::start().await;
    assert_eq!(inspected(&world).await, ChatConnection::Missing);
    let instance = world.instance(true).await;
    assert_eq!(inspected(&world).await, ChatConnection::Enabled);
    drop(instance);
    assert!(world.sim.wait_until(SOON, |sim| sim.open_sockets() == 0).await);
    assert_eq!(inspected(&world).await, ChatConnection::Disabled(Some("websocket_disconnected".into())));
    let listed = |id: &str| json!({ "id": id, "shard_count": 1 });
    let five = ["a", "b", "c", "d", "e"].map(listed);
    let full = json!({ "data": five });
    world.sim.fail_next(Endpoint::GetConduits, &Fault::status(200).body(full.to_string()), 1);
    assert_eq!(inspected(&world).await, ChatConnection::LimitReached);
}
