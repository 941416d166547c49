//! One live subscription for each watched chat: created, rejected, found and deleted.

use std::net::SocketAddr;
use std::time::Duration;

use chatpulse_twitch_sim::{Endpoint, Fault, Sim, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::{is_read, is_read_from, live};
use crate::support::SOON;
use crate::support::server::Server;
use crate::support::streamer::Streamer;
use crate::support::world::{
    BOT, OTHER, STREAMER, Way, World, by_both_ways, setup_for, sim_config, unhurried, with_webhook,
};

by_both_ways! {
    a_missing_grant_is_said_and_mended_by_logging_in
    a_subscription_that_exists_already_is_taken_over
    a_conflict_that_names_nothing_is_looked_up
    one_that_delivers_to_a_dead_conduit_is_replaced
    bursts_of_refusals_only_delay_it
    out_of_points_nobody_asks_for_half_a_minute
    a_chat_that_nobody_watches_is_unsubscribed_after_its_grace
    a_streamer_who_is_back_within_the_grace_stays_subscribed
}

async fn a_missing_grant_is_said_and_mended_by_logging_in(way: Way) {
    let sim = Sim::start(sim_config()).await.unwrap();
    let server = way.start(unhurried(setup_for(&sim)).set("BOT_USER_ID", BOT)).await;
    let world = World { sim, server };
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    streamer.chat_becomes("not_authorized").await;
    let attempts =
        world.metrics().await.value("eventsub_subscribe_attempts_total", &[("result", "forbidden")]);
    assert_eq!(attempts, 1.0, "it is not tried blindly again");
    // An overlay that comes and goes changes nothing about it.
    overlay.close().await;
    assert_eq!(streamer.status().await["chat"], "not_authorized");
    overlay = streamer.open_overlay(&world.server).await;
    world.sim.grant(BOT, &["user:read:chat", "user:bot"]);
    let mut streamer = world.log_in().await;
    is_read(&world, &mut streamer, &mut overlay).await;
}

async fn a_subscription_that_exists_already_is_taken_over(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    drop(overlay);
    let setup = world.server.setup().clone();
    world.server.stop().await;
    let sim = world.sim;
    // Twitch's list does not show it yet, so it is asked for, and Twitch answers 409.
    let empty = r#"{"total":0,"data":[],"total_cost":0,"max_total_cost":10000,"pagination":{}}"#;
    sim.fail_next(Endpoint::GetSubscriptions, &Fault::status(200).body(empty), 1);
    let asked = sim.calls(Endpoint::CreateSubscription);
    let server = way.start(setup).await;
    let mut streamer = Streamer::at_dashboard(streamer.browser.moved_to(&server)).await;
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
    // The chat's, and the two that tell of users who disconnect and of lost shards.
    assert_eq!(sim.calls(Endpoint::CreateSubscription), asked + 3);
    let live = sim.chat_subscriptions().iter().filter(|one| one.status == Status::Enabled).count();
    assert_eq!(live, 1);
}

/// As before April 2026.
async fn a_conflict_that_names_nothing_is_looked_up(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    let before = live(&world.sim);
    drop(overlay);
    let setup = world.server.setup().clone();
    world.server.stop().await;
    let sim = world.sim;
    let empty = r#"{"total":0,"data":[],"total_cost":0,"max_total_cost":10000,"pagination":{}}"#;
    let nameless = r#"{"error":"Conflict","status":409,"message":"subscription already exists"}"#;
    sim.fail_next(Endpoint::GetSubscriptions, &Fault::status(200).body(empty), 1);
    sim.fail_next(Endpoint::CreateSubscription, &Fault::status(409).body(nameless), 3);
    let server = way.start(setup).await;
    let mut streamer = Streamer::at_dashboard(streamer.browser.moved_to(&server)).await;
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
    assert_eq!(live(&sim), before);
}

/// Twitch says that there is one, and it is not ours: of an earlier conduit, say.
async fn one_that_delivers_to_a_dead_conduit_is_replaced(way: Way) {
    let sim = Sim::start(sim_config()).await.unwrap();
    sim.grant(BOT, &["user:read:chat", "user:bot"]);
    let server = way.start(unhurried(setup_for(&sim))).await;
    let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    assert!(sim.wait_until(SOON, |sim| sim.conduits().len() == 1).await);
    let elsewhere = r#"{"total":1,"data":[{"id":"old-one","status":"enabled","type":"channel.chat.message","version":"1","condition":{"broadcaster_user_id":"1971641","user_id":"2914196"},"transport":{"method":"conduit","conduit_id":"long-gone"},"created_at":"2026-01-01T00:00:00Z","cost":0}],"total_cost":0,"max_total_cost":10000,"pagination":{}}"#;
    let named = r#"{"error":"Conflict","status":409,"message":"subscription already exists","id":"old-one"}"#;
    assert!(sim.wait_until(SOON, |sim| sim.calls(Endpoint::GetSubscriptions) >= 1).await);
    assert!(
        sim.wait_until(SOON, |sim| sim.subscriptions().len() == 2).await,
        "those that tell of other things"
    );
    sim.fail_next(Endpoint::CreateSubscription, &Fault::status(409).body(named), 1);
    sim.fail_next(Endpoint::GetSubscriptions, &Fault::status(200).body(elsewhere), 1);
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
    assert_eq!(sim.calls(Endpoint::DeleteSubscription), 1);
    assert_eq!(live(&sim).len(), 1);
}

/// Not every 429 is a rate limit: with points left it is another limit, and tried again like a 503.
async fn bursts_of_refusals_only_delay_it(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    let with_points = Fault::status(429).header("Ratelimit-Remaining", "700");
    world.sim.fail_next(Endpoint::CreateSubscription, &with_points, 1);
    world.sim.fail_next(Endpoint::CreateSubscription, &Fault::status(503), 1);
    let began = Instant::now();
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    assert!(began.elapsed() < Duration::from_secs(1), "no overlay waits for Twitch");
    assert_eq!(streamer.status().await["chat"], "connecting");
    is_read(&world, &mut streamer, &mut overlay).await;
    assert_eq!(live(&world.sim).len(), 1);
}

/// All requests share one bucket of points, so it is no use asking for another chat either.
async fn out_of_points_nobody_asks_for_half_a_minute(way: Way) {
    let world = World::by(way).await;
    let streamer = world.log_in().await;
    let mut other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    assert!(world.sim.wait_until(SOON, |sim| sim.subscriptions().len() == 2).await);
    let empty = Fault::status(429).header("Ratelimit-Remaining", "0");
    world.sim.fail_next(Endpoint::CreateSubscription, &empty, 1);
    let asked = world.sim.calls(Endpoint::CreateSubscription);
    let _first = streamer.open_overlay(&world.server).await;
    assert!(world.sim.wait_until(SOON, |sim| sim.calls(Endpoint::CreateSubscription) == asked + 1).await);
    let began = Instant::now();
    let _second = other.open_overlay(&world.server).await;
    let read = world.sim.wait_until(Duration::from_secs(50), |sim| sim.chat_is_read(OTHER));
    assert!(read.await);
    let waited = began.elapsed();
    assert!(waited > Duration::from_secs(28), "{waited:?}");
    assert!(world.sim.wait_until_subscribed(STREAMER, SOON).await);
    other.chat_becomes("reading").await;
    assert_eq!(world.sim.calls(Endpoint::CreateSubscription), asked + 3);
    assert_eq!(
        world.metrics().await.value("eventsub_subscribe_attempts_total", &[("result", "rate_limited")]),
        1.0
    );
}

async fn a_chat_that_nobody_watches_is_unsubscribed_after_its_grace(way: Way) {
    let world = World::by_with(way, |setup| {
        setup
            .set("SUBSCRIPTION_GRACE", "500ms")
            .set("ORPHAN_MAX_AGE", "100ms")
            .set("CLEANUP_INTERVAL", "100ms")
    })
    .await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    overlay.close().await;
    let gone = world.sim.wait_until(SOON, |sim| !sim.chat_is_read(STREAMER));
    assert!(gone.await, "nobody needs it");
    assert_eq!(streamer.status().await["chat"], "idle");
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
}

async fn a_streamer_who_is_back_within_the_grace_stays_subscribed(way: Way) {
    let world = World::by_with(way, |setup| {
        setup.set("SUBSCRIPTION_GRACE", "2s").set("ORPHAN_MAX_AGE", "100ms").set("CLEANUP_INTERVAL", "100ms")
    })
    .await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    overlay.close().await;
    crate::support::eventually("the session was cleaned up", async || {
        let metrics = world.metrics().await;
        (metrics.value("orphan_sessions_deleted_total", &[]) > 0.5).then_some(())
    })
    .await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    let scans = world.metrics().await.value("orphan_cleanup_scans_total", &[]);
    crate::support::eventually("the grace is over", async || {
        let metrics = world.metrics().await;
        (metrics.value("orphan_cleanup_scans_total", &[]) > scans + 21.0).then_some(())
    })
    .await;
    is_read(&world, &mut streamer, &mut overlay).await;
    assert_eq!(world.sim.calls(Endpoint::DeleteSubscription), 0);
}

/// Passes everything on to this server; what that answers comes so much later.
async fn late_answers(server: SocketAddr, late: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            tokio::spawn(async move {
                let mut bytes = [0; 16 * 1024];
                while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
                    tokio::time::sleep(late).await;
                    if to_client.write_all(&bytes[..count]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_subscription_that_ends_before_we_hear_of_it_is_made_again() {
    let sim = Sim::start(sim_config()).await.unwrap();
    sim.grant(BOT, &["user:read:chat", "user:bot"]);
    let api = url::Url::parse(&sim.api_url()).unwrap();
    let late = late_answers(api.socket_addrs(|| None).unwrap()[0], Duration::from_millis(400)).await;
    let setup = setup_for(&sim).set("TWITCH_API_URL", format!("http://{late}/helix"));
    let server = Server::start_with(|port| with_webhook(setup.clone(), port)).await;
    let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    let mut overlay = streamer.open_overlay(&server).await;
    // It exists, and the answer that says so is still on its way.
    assert!(sim.wait_until_subscribed(STREAMER, SOON).await);
    let id = sim.chat_subscriptions()[0].id.clone();
    assert!(sim.revoke_subscription(&id, Status::VersionRemoved).await);
    let again = sim.wait_until(SOON, |sim| sim.chat_subscriptions().iter().any(|one| one.id != id));
    assert!(again.await, "the bar would be dead until the next reconciliation");
    is_read_from(&sim, &mut streamer, &mut overlay).await;
}
