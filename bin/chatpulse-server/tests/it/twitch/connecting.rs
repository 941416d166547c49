//! From startup to a chat that is read, with every failure on the way.

use std::time::Duration;

use chatpulse_twitch_sim::{Endpoint, Fault, Sim, SimConfig};
use futures_util::future::join_all;
use serde_json::json;

use super::{is_read, is_read_from, live};
use crate::support::SOON;
use crate::support::recording::Recording;
use crate::support::server::free_port;
use crate::support::streamer::{SCOPES, Streamer};
use crate::support::world::{
    BOT, OTHER, STREAMER, Way, World, by_both_ways, setup_for, sim_config, unhurried,
};

/// An enabled shard is looked at once a minute.
const ONE_LOOK: Duration = Duration::from_secs(75);

by_both_ways! {
    chat_is_connected_step_by_step
    a_twitch_that_comes_late_is_found
    an_app_token_that_ended_is_renewed
    each_call_is_made_once_more_with_another_token
    a_status_that_nobody_has_heard_of_is_not_taken_for_enabled
    hiccups_of_twitch_at_every_step_of_the_start_only_delay_it
    the_conduit_and_its_subscriptions_outlive_a_restart
    a_conduit_that_is_deleted_while_we_run_is_made_anew
    a_refused_app_token_says_nothing_about_a_chat
    a_shard_that_twitch_disables_is_taken_back_at_its_word
}

async fn chat_is_connected_step_by_step(way: Way) {
    let world = World::by(way).await;
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

async fn a_twitch_that_comes_late_is_found(way: Way) {
    let port = free_port().await;
    let config = || SimConfig { port, ..sim_config() };
    let sim = Sim::start(config()).await.unwrap();
    let server = way.start(unhurried(setup_for(&sim))).await;
    let first = Streamer::log_in(&server, &sim, STREAMER).await;
    let setup = server.setup().clone();
    server.stop().await;
    sim.stop().await;

    let server = way.start(setup).await;
    let mut streamer = Streamer::at_dashboard(first.browser.moved_to(&server)).await;
    let mut overlay = streamer.open_overlay(&server).await;
    streamer.chat_becomes("connecting").await;
    let ready = server.http.get(server.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), 200, "readiness does not depend on Twitch");
    streamer.test_vote("for").await.expect(200);
    overlay.shows(|value| value > 2.0).await;

    let sim = Sim::start(config()).await.unwrap();
    sim.grant(STREAMER, &SCOPES);
    sim.grant(BOT, &["user:read:chat", "user:bot"]);
    is_read_from(&sim, &mut streamer, &mut overlay).await;
}

async fn an_app_token_that_ended_is_renewed(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    world.sim.expire_app_tokens();
    let mut other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    let _other = other.open_overlay(&world.server).await;
    other.chat_becomes("reading").await;
    assert!(world.sim.chat_is_read(OTHER));
}

/// Twitch may end a token before its time, whatever is just asked.
async fn each_call_is_made_once_more_with_another_token(way: Way) {
    let sim = Sim::start(sim_config()).await.unwrap();
    sim.grant(BOT, &["user:read:chat", "user:bot"]);
    let unauthorized =
        Fault::status(401).body(r#"{"error":"Unauthorized","status":401,"message":"Invalid OAuth token"}"#);
    let mut calls = vec![
        Endpoint::GetConduits,
        Endpoint::CreateConduit,
        Endpoint::UpdateShards,
        Endpoint::GetSubscriptions,
        Endpoint::CreateSubscription,
        Endpoint::DeleteSubscription,
    ];
    if way == Way::Webhook {
        // A webhook is verified after it was accepted.
        calls.push(Endpoint::GetShards);
    }
    for endpoint in &calls {
        sim.fail_next(*endpoint, &unauthorized, 1);
    }
    let quick =
        unhurried(setup_for(&sim)).set("SUBSCRIPTION_GRACE", "100ms").set("CLEANUP_INTERVAL", "100ms");
    let server = way.start(quick.set("ORPHAN_MAX_AGE", "100ms")).await;
    let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
    overlay.close().await;
    assert!(sim.wait_until(SOON, |sim| !sim.chat_is_read(STREAMER)).await);
    // The first one, another for each refusal, and the streamer's.
    assert_eq!(sim.calls(Endpoint::Token), calls.len() as u64 + 2);
    assert_eq!((sim.calls(Endpoint::CreateConduit), sim.calls(Endpoint::DeleteSubscription)), (2, 2));
}

/// Twitch has used statuses long before it wrote of them (twitchdev/issues#931 and #1066).
async fn a_status_that_nobody_has_heard_of_is_not_taken_for_enabled(way: Way) {
    let sim = Sim::start(sim_config()).await.unwrap();
    sim.grant(BOT, &["user:read:chat", "user:bot"]);
    let shard = json!({ "data": [{ "id": "0", "status": "brand_new", "transport": {} }], "errors": [] });
    sim.fail_next(Endpoint::UpdateShards, &Fault::status(202).body(shard.to_string()), 1);
    let mut server = way.start(unhurried(setup_for(&sim))).await;
    assert!(server.log.says("`brand_new`").await);
    let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
    drop(overlay);
    let setup = server.setup().clone();
    server.stop().await;
    // The chat's subscription is listed as something new: it is asked for, and found to be there.
    let conduit = &sim.conduits()[0].id;
    let listed = json!({ "id": "x", "status": "brand_new", "type": "channel.chat.message",
        "condition": { "broadcaster_user_id": STREAMER, "user_id": BOT },
        "transport": { "method": "conduit", "conduit_id": conduit } });
    let page = json!({ "total": 1, "data": [listed], "pagination": {} });
    sim.fail_next(Endpoint::GetSubscriptions, &Fault::status(200).body(page.to_string()), 1);
    let server = way.start(setup).await;
    let mut streamer = Streamer::at_dashboard(streamer.browser.moved_to(&server)).await;
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
    assert_eq!(live(&sim).len(), 1);
}

async fn hiccups_of_twitch_at_every_step_of_the_start_only_delay_it(way: Way) {
    let refused_inside = Fault::status(202).body(
        r#"{"data":[],"errors":[{"id":"0","message":"The websocket session is not connected.","code":"invalid_parameter"}]}"#,
    );
    let unauthorized =
        Fault::status(401).body(r#"{"error":"Unauthorized","status":401,"message":"Invalid OAuth token"}"#);
    let mut hiccups = vec![
        (Endpoint::Token, Fault::status(503)),
        (Endpoint::GetConduits, Fault::status(500).body("<html>oops")),
        (Endpoint::GetConduits, unauthorized.clone()),
        (Endpoint::CreateConduit, Fault::status(503)),
        (Endpoint::CreateConduit, unauthorized.clone()),
        (Endpoint::UpdateShards, refused_inside),
        (Endpoint::UpdateShards, Fault::status(404)),
        (Endpoint::UpdateShards, unauthorized.clone()),
        (Endpoint::CreateSubscription, Fault::status(503)),
        (Endpoint::CreateSubscription, unauthorized.clone()),
        (Endpoint::GetSubscriptions, Fault::status(503)),
        (Endpoint::GetSubscriptions, unauthorized.clone()),
    ];
    hiccups.push(match way {
        Way::Socket => (Endpoint::Socket, Fault::status(503)),
        Way::Webhook => (Endpoint::GetShards, Fault::status(503)),
    });
    join_all(hiccups.into_iter().map(|(endpoint, fault)| async move {
        let sim = Sim::start(sim_config()).await.unwrap();
        sim.grant(BOT, &["user:read:chat", "user:bot"]);
        sim.fail_next(endpoint, &fault, 1);
        let server = way.start(unhurried(setup_for(&sim))).await;
        assert!(sim.wait_until(SOON, |sim| !sim.conduits().is_empty()).await, "{endpoint:?}");
        let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
        let mut overlay = streamer.open_overlay(&server).await;
        is_read_from(&sim, &mut streamer, &mut overlay).await;
        assert_eq!(sim.conduits().len(), 1, "{endpoint:?}");
    }))
    .await;
}

async fn the_conduit_and_its_subscriptions_outlive_a_restart(way: Way) {
    let world = World::by(way).await;
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

    let server = way.start(setup).await;
    let mut streamer = Streamer::at_dashboard(streamer.browser.moved_to(&server)).await;
    let mut overlay = streamer.open_overlay(&server).await;
    is_read_from(&sim, &mut streamer, &mut overlay).await;
    assert_eq!(sim.conduits()[0].id, conduits[0].id);
    assert_eq!(sim.calls(Endpoint::CreateConduit), 1);
    let ids =
        |all: &[chatpulse_twitch_sim::Subscription]| all.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&sim.chat_subscriptions()), ids(&subscriptions));
}

/// By a hand at the keyboard, or by Twitch after three days without a shard.
async fn a_conduit_that_is_deleted_while_we_run_is_made_anew(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    // It is a minute until somebody looks, and an overlay that answers no ping is closed after one.
    let _open = Recording::of(overlay);
    let gone = world.sim.conduits()[0].id.clone();
    world.sim.delete_conduit(&gone);
    let again = world.sim.wait_until(ONE_LOOK, |sim| sim.chat_is_read(STREAMER));
    assert!(again.await, "{:?}", world.sim.conduits());
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    assert_eq!(world.sim.conduits().len(), 1);
    assert_ne!(world.sim.conduits()[0].id, gone);
    assert_eq!(live(&world.sim).len(), 1);
}

/// The token endpoint may answer 403: about us, not about the streamer.
async fn a_refused_app_token_says_nothing_about_a_chat(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    assert!(world.sim.wait_until(SOON, |sim| sim.subscriptions().len() == 2).await);
    world.sim.expire_app_tokens();
    world.sim.fail_next(Endpoint::Token, &Fault::status(403), 1);
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    let metrics = world.metrics().await;
    assert_eq!(metrics.value("eventsub_subscribe_attempts_total", &[("result", "forbidden")]), 0.0);
}

/// Long before the look that comes once a minute.
async fn a_shard_that_twitch_disables_is_taken_back_at_its_word(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    is_read(&world, &mut streamer, &mut overlay).await;
    assert!(world.sim.wait_until(SOON, |sim| sim.subscriptions().len() == 3).await);
    let status = "notification_failures_exceeded";
    let disabled = json!({ "data": [{ "id": "0", "status": status }], "pagination": {} });
    world.sim.fail_next(Endpoint::GetShards, &Fault::status(200).body(disabled.to_string()), 1);
    let pointed = world.sim.calls(Endpoint::UpdateShards);
    let event = json!({ "conduit_id": world.sim.conduits()[0].id, "shard_id": "0", "status": status, "transport": null });
    assert_eq!(world.sim.push_event("conduit.shard.disabled", &event).await, 1);
    assert!(world.sim.wait_until(SOON, |sim| sim.calls(Endpoint::UpdateShards) > pointed).await);
    is_read(&world, &mut streamer, &mut overlay).await;
}
