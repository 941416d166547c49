//! Twitch comes late, goes away, refuses, forgets; chat is read all the same.

use std::net::SocketAddr;
use std::time::Duration;

use chatpulse_twitch_sim::{ChatLine, Chatter, Endpoint, Fault, Sim, SimConfig, Status};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::SOON;
use crate::support::overlay::Overlay;
use crate::support::server::{Server, free_port};
use crate::support::streamer::{SCOPES, Streamer};
use crate::support::world::{BOT, OTHER, STREAMER, World, setup_for, sim_config, with_webhook};

async fn is_read(world: &World, streamer: &mut Streamer, overlay: &mut Overlay) {
    is_read_from(&world.sim, streamer, overlay).await;
}

/// The dashboard says so, and a line that is typed moves the bar.
async fn is_read_from(sim: &Sim, streamer: &mut Streamer, overlay: &mut Overlay) {
    streamer.chat_becomes("reading").await;
    assert!(sim.wait_until_subscribed(STREAMER, SOON).await);
    streamer.reset().await;
    let name = format!("Viewer{}", uuid::Uuid::new_v4().simple());
    let line = ChatLine::new(STREAMER, Chatter::named(name), "yes");
    assert_eq!(sim.say(line).await.deliveries, 1);
    overlay.shows(|value| value > 2.0).await;
}

#[tokio::test]
async fn chat_is_connected_step_by_step() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    assert_eq!(streamer.status().await["chat"], "idle");
    world.sim.set_latency(Duration::from_millis(400));
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    assert_eq!(streamer.status().await["chat"], "connecting");
    streamer.chat_becomes("reading").await;
    overlay.close().await;
    streamer.chat_becomes("idle").await;
}

#[tokio::test]
async fn a_twitch_that_comes_late_is_found() {
    let port = free_port().await;
    let config = || SimConfig { port, ..sim_config() };
    let sim = Sim::start(config()).await.unwrap();
    let server = Server::start(setup_for(&sim)).await;
    let first = Streamer::log_in(&server, &sim, STREAMER).await;
    let setup = server.setup().clone();
    server.stop().await;
    sim.stop().await;

    let server = Server::start(setup).await;
    let mut streamer = Streamer::at_dashboard(first.browser.moved_to(&server)).await;
    let mut overlay = streamer.open_overlay(&server).await;
    streamer.chat_becomes("connecting").await;
    let ready = server.http.get(server.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), 200, "readiness does not depend on Twitch");
    streamer.test_vote("for").await.expect(200);
    overlay.shows(|value| value > 2.0).await;

    let sim = Sim::start(config()).await.unwrap();
    sim.grant(STREAMER, &SCOPES);
    is_read_from(&sim, &mut streamer, &mut overlay).await;
}

#[tokio::test]
async fn a_handover_loses_nothing_and_subscribes_to_nothing_again() {
    let world = World::websocket().await;
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
        let server = Server::start(setup_for(&sim)).await;
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

#[tokio::test]
async fn an_app_token_that_ended_is_renewed() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    world.sim.expire_app_tokens();
    let mut other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    let _other = other.open_overlay(&world.server).await;
    other.chat_becomes("reading").await;
    assert!(world.sim.chat_is_read(OTHER));
}

#[tokio::test]
async fn a_missing_grant_is_said_and_mended_by_logging_in() {
    let world = World::websocket_with(|setup| setup.set("BOT_USER_ID", BOT)).await;
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

#[tokio::test]
async fn hiccups_of_twitch_at_every_step_of_the_start_only_delay_it() {
    let refused_inside = Fault::status(202).body(
        r#"{"data":[],"errors":[{"id":"0","message":"The websocket session is not connected.","code":"invalid_parameter"}]}"#,
    );
    let hiccups = [
        (Endpoint::Token, Fault::status(503)),
        (Endpoint::GetConduits, Fault::status(500).body("<html>oops")),
        (Endpoint::CreateConduit, Fault::status(503)),
        (Endpoint::UpdateShards, refused_inside),
        (Endpoint::UpdateShards, Fault::status(404)),
        (Endpoint::CreateSubscription, Fault::status(503)),
        (Endpoint::GetSubscriptions, Fault::status(503)),
        (Endpoint::Socket, Fault::status(503)),
        (
            Endpoint::CreateSubscription,
            Fault::status(401)
                .body(r#"{"error":"Unauthorized","status":401,"message":"Invalid OAuth token"}"#),
        ),
    ];
    join_all(hiccups.into_iter().map(|(endpoint, fault)| async move {
        let sim = Sim::start(sim_config()).await.unwrap();
        sim.fail_next(endpoint, &fault, 1);
        let server = Server::start(setup_for(&sim)).await;
        assert!(sim.wait_until(SOON, |sim| !sim.conduits().is_empty()).await, "{endpoint:?}");
        let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
        let mut overlay = streamer.open_overlay(&server).await;
        is_read_from(&sim, &mut streamer, &mut overlay).await;
        assert_eq!(sim.conduits().len(), 1, "{endpoint:?}");
    }))
    .await;
}

#[tokio::test]
async fn the_conduit_and_its_subscriptions_outlive_a_restart() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    let (conduits, subscriptions) = (world.sim.conduits(), world.sim.chat_subscriptions());
    drop(overlay);
    let setup = world.server.setup().clone();
    world.server.stop().await;
    let sim = world.sim;
    assert_eq!(sim.conduits().len(), 1, "nobody else's deploy silences this streamer");
    assert_eq!(sim.calls(Endpoint::DeleteConduit), 0);
    assert_eq!(sim.calls(Endpoint::DeleteSubscription), 0);

    let server = Server::start(setup).await;
    let mut streamer = Streamer::at_dashboard(streamer.browser.moved_to(&server)).await;
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
    assert_eq!(sim.conduits()[0].id, conduits[0].id);
    assert_eq!(sim.calls(Endpoint::CreateConduit), 1);
    let ids =
        |all: &[chatpulse_twitch_sim::Subscription]| all.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&sim.chat_subscriptions()), ids(&subscriptions));
}

#[tokio::test]
async fn a_subscription_that_exists_already_is_taken_over() {
    let world = World::websocket().await;
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
    let server = Server::start(setup).await;
    let mut streamer = Streamer::at_dashboard(streamer.browser.moved_to(&server)).await;
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
    // The chat's, and the two that tell of users who disconnect and of lost shards.
    assert_eq!(sim.calls(Endpoint::CreateSubscription), asked + 3);
    let live = sim.chat_subscriptions().iter().filter(|one| one.status == Status::Enabled).count();
    assert_eq!(live, 1);
}

#[tokio::test]
async fn a_chat_that_nobody_watches_is_unsubscribed_after_its_grace() {
    let world = World::websocket_with(|setup| {
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

#[tokio::test]
async fn a_streamer_who_is_back_within_the_grace_stays_subscribed() {
    let world = World::websocket_with(|setup| {
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
