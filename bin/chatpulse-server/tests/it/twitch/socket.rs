//! Life cycle of an EventSub socket: reconnects, every kind of close, and duplicates.

use std::time::Duration;

use chatpulse_twitch_sim::{ChatLine, Chatter, Endpoint, Fault, Limits, Sim, SimConfig};
use futures_util::future::join_all;
use tokio::time::{interval, timeout};

use super::{is_read, is_read_from};
use crate::support::server::Server;
use crate::support::streamer::Streamer;
use crate::support::world::{STREAMER, Way, World, setup_for, sim_config, unhurried};
use crate::support::{SOON, eventually};

#[tokio::test]
async fn a_handover_loses_nothing_and_subscribes_to_nothing_again() {
    let world = World::by(Way::Socket).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    let subscribed = world.sim.calls(Endpoint::CreateSubscription);
    for _ in 0..2 {
        let opened = world.sim.calls(Endpoint::Socket);
        assert_eq!(world.sim.force_reconnect(), 1);
        assert!(
            world
                .sim
                .wait_until(SOON, |sim| sim.calls(Endpoint::Socket) == opened + 1 && sim.open_sockets() == 1)
                .await
        );
        is_read(&world, &mut streamer, &mut overlay).await;
    }
    assert_eq!(world.sim.calls(Endpoint::CreateSubscription), subscribed);
}

/// The old socket is read until the new one is welcomed, and whatever comes on both counts once.
#[tokio::test]
async fn lines_typed_during_handovers_count_once_each() {
    let world = World::by_with(Way::Socket, |setup| setup.set("VOTE_RATE_LIMIT_CAPACITY", "0")).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    let before = applied(&world).await;
    // Each handover takes so long.
    world.sim.set_latency(Duration::from_millis(150));
    let mut typed = 0;
    for _ in 0..4 {
        typed += timeout(SOON, type_during_handover(&world.sim, typed)).await.expect("a handover in time");
    }
    world.sim.set_latency(Duration::ZERO);
    eventually("every line is counted", async || {
        (applied(&world).await >= before + f64::from(typed)).then_some(())
    })
    .await;
    // Whatever came twice has been looked at by then.
    assert_eq!(world.sim.say(ChatLine::new(STREAMER, Chatter::named("Last"), "yes")).await.deliveries, 1);
    eventually("the last line is counted", async || {
        (applied(&world).await >= before + f64::from(typed) + 1.0).then_some(())
    })
    .await;
    assert_eq!(applied(&world).await, before + f64::from(typed) + 1.0);
}

/// Types a line every 10 ms until the new socket has replaced the old one. Returns their number.
async fn type_during_handover(sim: &Sim, first: u32) -> u32 {
    assert_eq!(sim.force_reconnect(), 1);
    let mut pace = interval(Duration::from_millis(10));
    let mut typed = 0;
    while sim.is_reconnecting() {
        pace.tick().await;
        let line = ChatLine::new(STREAMER, Chatter::named(format!("V{}", first + typed)), "yes");
        assert!(sim.say(line).await.deliveries >= 1);
        typed += 1;
    }
    typed
}

async fn applied(world: &World) -> f64 {
    world.metrics().await.value("vote_processing_total", &[("result", "applied")])
}

#[tokio::test]
async fn what_is_delivered_again_counts_once() {
    let world = World::by(Way::Socket).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    let before = applied(&world).await;
    world.sim.duplicate_deliveries(2);
    let line = ChatLine::new(STREAMER, Chatter::named("Ada"), "yes");
    assert_eq!(world.sim.say(line).await.deliveries, 3);
    assert_eq!(world.sim.resend_last().await, 3);
    eventually("all of them were looked at", async || {
        let metrics = world.metrics().await;
        (metrics.value("vote_processing_total", &[("result", "duplicate")]) == 5.0).then_some(())
    })
    .await;
    assert_eq!(applied(&world).await, before + 1.0);
}

#[tokio::test]
async fn whatever_ends_the_socket_chat_is_read_again() {
    type Trouble = Box<dyn Fn(&Sim) -> usize>;
    let mut troubles: Vec<(String, Trouble)> = (4000..=4007)
        .map(|code| {
            let close: Trouble = Box::new(move |sim| sim.close_sockets(code));
            (format!("close code {code}"), close)
        })
        .collect();
    troubles.push(("a broken connection".to_owned(), Box::new(Sim::drop_sockets)));
    troubles.push(("silence".to_owned(), Box::new(Sim::silence_sockets)));
    let stories = troubles.into_iter().map(|(what, trouble)| async move {
        let sim = Sim::start(SimConfig { keepalive_secs: 1, ..sim_config() }).await.unwrap();
        let server = Server::start(unhurried(setup_for(&sim))).await;
        let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
        let mut overlay = streamer.open_overlay(&server).await;
        is_read_from(&sim, &mut streamer, &mut overlay).await;
        let opened = sim.calls(Endpoint::Socket);
        let subscribed = sim.calls(Endpoint::CreateSubscription);
        assert_eq!(trouble(&sim), 1, "{what}");
        let again = sim.wait_until(SOON, |sim| sim.calls(Endpoint::Socket) > opened);
        assert!(again.await, "{what}");
        is_read_from(&sim, &mut streamer, &mut overlay).await;
        let still = sim.calls(Endpoint::CreateSubscription);
        assert_eq!(still, subscribed, "{what}: it outlives the socket");
    });
    join_all(stories).await;
}

/// Twitch closes a socket that is used for nothing within its time: an assignment that fails for longer than that.
#[tokio::test]
async fn a_socket_that_could_not_become_the_shard_in_time_is_replaced() {
    let limits = Limits { unused_session: Duration::from_millis(500), ..sim_config().limits };
    let sim = Sim::start(SimConfig { limits, ..sim_config() }).await.unwrap();
    sim.fail_next(Endpoint::UpdateShards, &Fault::status(503), 2);
    let mut server = Server::start(unhurried(setup_for(&sim))).await;
    assert!(server.log.says("Twitch closed it: 4003").await);
    let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
}
