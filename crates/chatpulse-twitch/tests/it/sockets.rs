//! Each instance's socket is its shard, through every kind of end that Twitch knows.

use chatpulse_domain::subscription::ChatState;
use chatpulse_twitch_sim::{Conduit, Endpoint, Fault, Sim, SimConfig, Status};

use crate::world::{SOON, STREAMER, World, eventually};

/// The one conduit has so many shards, all of them enabled.
fn has_shards(sim: &Sim, count: usize) -> bool {
    let conduits = sim.conduits();
    let [Conduit { shards, .. }] = conduits.as_slice() else {
        return false;
    };
    shards.len() == count && shards.iter().all(|shard| shard.status == Status::Enabled)
}

#[tokio::test]
async fn each_instance_has_a_shard_of_its_own() {
    let world = World::start().await;
    let instances = [world.instance(true).await, world.instance(false).await, world.instance(false).await];
    assert!(has_shards(&world.sim, 3), "{:?}", world.sim.conduits());
    instances[1].read_chat();
    instances[1].becomes(ChatState::Reading).await;
    assert_eq!(world.say("yes").await, 1, "to one of the three");
}

async fn the_next_socket_becomes_the_shard(what: &str, end: impl Fn(&Sim) -> usize) {
    let world = World::at(SimConfig { keepalive_secs: 1, ..SimConfig::default() }).await;
    let instance = world.instance(true).await;
    instance.read_chat();
    instance.becomes(ChatState::Reading).await;
    let before = world.sim.sessions();
    assert_eq!(end(&world.sim), 1);
    let again = |sim: &Sim| sim.sessions() != before && sim.chat_is_read(STREAMER);
    assert!(world.sim.wait_until(SOON, again).await, "{what}: {:?}", world.sim.conduits());
    instance.becomes(ChatState::Reading).await;
    assert_eq!(world.say("yes").await, 1, "{what}");
    assert_eq!(instance.hears(1).await, ["yes"], "{what}");
}

#[tokio::test]
async fn after_every_end_of_a_socket_the_next_one_becomes_the_shard() {
    tokio::join!(
        the_next_socket_becomes_the_shard("closed by Twitch", |sim| sim.close_sockets(4000)),
        the_next_socket_becomes_the_shard("not assigned in time", |sim| sim.close_sockets(4003)),
        the_next_socket_becomes_the_shard("reset", Sim::drop_sockets),
        the_next_socket_becomes_the_shard("silent", Sim::silence_sockets),
    );
}

#[tokio::test]
async fn no_line_is_lost_while_twitch_asks_for_a_reconnect() {
    let world = World::start().await;
    let instance = world.instance(true).await;
    instance.read_chat();
    instance.becomes(ChatState::Reading).await;
    let opened = world.sim.calls(Endpoint::Socket);
    assert_eq!(world.sim.force_reconnect(), 1);
    let mut lines = Vec::new();
    while world.sim.calls(Endpoint::Socket) == opened || world.sim.open_sockets() != 1 {
        let line = format!("line {}", lines.len());
        // By both sockets while both are open; which one counts is for the vote store.
        assert!(world.say(&line).await >= 1);
        lines.push(line);
    }
    lines.push("last".to_owned());
    assert_eq!(world.say("last").await, 1);
    for (number, line) in lines.iter().enumerate() {
        eventually(line, async || instance.hears(number + 1).await.contains(line)).await;
    }
}

#[tokio::test]
async fn a_shard_that_twitch_refuses_is_assigned_a_little_later() {
    let world = World::start().await;
    let refused = Fault::status(202).body(
        r#"{"data":[],"errors":[{"id":"0","message":"The websocket session is not connected.","code":"invalid_parameter"}]}"#,
    );
    world.sim.fail_next(Endpoint::UpdateShards, &refused, 1);
    let _instance = world.instance(true).await;
    assert!(has_shards(&world.sim, 1));
    assert_eq!(world.sim.calls(Endpoint::UpdateShards), 2);
}
