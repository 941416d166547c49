//! A fleet without a public address: chat comes by one EventSub socket, which the leader has.

use std::time::Duration;

use chatpulse_twitch_sim::{ChatLine, Chatter, Endpoint, Sim};

use crate::support::fleet::Fleet;
use crate::support::live::session_keys;
use crate::support::server::Setup;
use crate::support::world::STREAMER;
use crate::support::{SOON, eventually};

/// Twitch promises nothing about the pace; we promise this.
const TAKEN_OVER_WITHIN: Duration = Duration::from_mins(1);

async fn say(sim: &Sim, name: &str) {
    let line = ChatLine::new(STREAMER, Chatter::named(name), "yes");
    assert_eq!(sim.say(line).await.deliveries, 1);
}

#[tokio::test]
async fn one_socket_serves_all_instances_and_outlives_each_of_them() {
    let fast = |setup: Setup| setup.set("CLEANUP_INTERVAL", "500ms");
    let mut fleet = Fleet::without_instances(0, fast).await.by_socket();
    fleet.add_instances(3).await;
    let leader = fleet.leader().await;
    let follower = (leader + 1) % 3;
    let mut streamer = fleet.log_in().await;
    let mut overlay = streamer.open_overlay(&fleet.instances[follower]).await;
    assert!(fleet.sim.wait_until_subscribed(STREAMER, SOON).await);
    for instance in &fleet.instances {
        streamer.browser = streamer.browser.clone().moved_to(instance);
        streamer.chat_becomes("reading").await;
    }
    assert_eq!(fleet.sim.open_sockets(), 1);
    say(&fleet.sim, "Early").await;
    overlay.shows(|value| value > 5.0).await;
    let sockets = fleet.sim.calls(Endpoint::Socket);

    let killed = fleet.instances.remove(leader);
    killed.signal("KILL").await;
    let taken_over = fleet.sim.wait_until(TAKEN_OVER_WITHIN, |sim| {
        sim.calls(Endpoint::Socket) > sockets && sim.chat_is_read(STREAMER)
    });
    assert!(taken_over.await, "somebody else has the socket");
    // What the dead leader counted is gone with it.
    assert_eq!(fleet.counted("applied").await, 0.0);
    say(&fleet.sim, "Late").await;
    eventually("the line is counted", async || (fleet.counted("applied").await == 1.0).then_some(())).await;
    assert_eq!(fleet.sim.calls(Endpoint::Socket), sockets + 1, "and nobody fights over it");
    assert_eq!(fleet.sim.chat_subscriptions().len(), 1);
    assert!(!session_keys(&fleet.redis, &streamer.overlay).is_empty());
}
