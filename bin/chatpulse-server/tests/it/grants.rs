//! Grants at Twitch: validated in the background, and removed when they are revoked.

use std::time::Duration;

use chatpulse_twitch_sim::{Endpoint, Fault, Limits, Sim, SimConfig};

use crate::support::chat::Post;
use crate::support::eventually;
use crate::support::metrics::Metrics;
use crate::support::server::{Finished, Server, Setup};
use crate::support::streamer::{Streamer, connect_bot};
use crate::support::world::{BOT, OTHER, STREAMER, World, setup_for, sim_config};

const KEYS: [&str; 3] = [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
];

/// Waits until Twitch was asked about every account.
async fn checked(server: &Server, result: &str, times: f64) {
    eventually(&format!("{times} tokens are {result}"), async || {
        let metrics = Metrics::of(server).await;
        (metrics.value("grant_checks_total", &[("result", result)]) == times).then_some(())
    })
    .await;
}

async fn restarted(server: Server) -> Server {
    let setup = server.setup().clone();
    server.stop().await;
    Server::start(setup).await
}

async fn is_logged_in(streamer: &mut Streamer, server: &Server) -> bool {
    streamer.browser = streamer.browser.clone().moved_to(server);
    streamer.browser.get("/dashboard").await.status == 200
}

/// Each renewal spends the refresh token of the one before.
#[tokio::test]
async fn access_tokens_that_ran_out_are_renewed_again_and_again() {
    let limits = Limits { rotate_refresh_tokens: true, ..sim_config().limits };
    let sim = Sim::start(SimConfig { limits, ..sim_config() }).await.unwrap();
    let mut server = Server::start(setup_for(&sim)).await;
    let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    for _ in 0..3 {
        sim.expire_user_tokens();
        server = restarted(server).await;
        checked(&server, "renewed", 1.0).await;
        assert!(is_logged_in(&mut streamer, &server).await);
    }
    server = restarted(server).await;
    checked(&server, "valid", 1.0).await;
}

#[tokio::test]
async fn only_a_refused_renewal_ends_a_login() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let mut other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    // Twitch stumbles: the next look, ten seconds later, succeeds.
    world.sim.expire_user_tokens();
    world.sim.fail_next(Endpoint::Token, &Fault::status(503), 2);
    let server = restarted(world.server).await;
    checked(&server, "unanswered", 1.0).await;
    assert!(is_logged_in(&mut streamer, &server).await && is_logged_in(&mut other, &server).await);
    checked(&server, "renewed", 2.0).await;

    world.sim.expire_user_tokens();
    world.sim.forget_refresh_tokens();
    let mut server = restarted(server).await;
    checked(&server, "ended", 2.0).await;
    assert!(!is_logged_in(&mut streamer, &server).await);
    assert!(!is_logged_in(&mut other, &server).await);
    assert!(server.log.says("ended a login: Twitch refuses to renew").await);
    // The overlay lives on, and nothing is lost by logging in again.
    let overlay = streamer.overlay.clone();
    streamer.open_overlay(&server).await.next_value().await;
    assert_eq!(Streamer::log_in(&server, &world.sim, STREAMER).await.overlay, overlay);
}

/// It says nothing about what streamers agreed to, whatever Twitch answers to it.
#[tokio::test]
async fn a_wrong_client_secret_ends_nobodys_login() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    world.sim.expire_user_tokens();
    let right = world.server.setup().clone();
    world.server.stop().await;
    let server = Server::start(right.clone().set("TWITCH_CLIENT_SECRET", "mistyped")).await;
    checked(&server, "unanswered", 1.0).await;
    assert!(is_logged_in(&mut streamer, &server).await);
    server.stop().await;
    let server = Server::start(right).await;
    checked(&server, "renewed", 1.0).await;
    assert!(is_logged_in(&mut streamer, &server).await);
}

async fn a_disconnected_user_is_logged_out(world: World) {
    let mut streamer = world.log_in().await;
    let mut other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    let _overlay = streamer.open_overlay(&world.server).await;
    streamer.chat_becomes("reading").await;
    let hears = |sim: &Sim| sim.subscriptions().iter().any(|one| one.kind == "user.authorization.revoke");
    assert!(world.sim.wait_until(crate::support::SOON, hears).await);
    world.sim.disconnect_user(STREAMER).await;
    eventually("the login has ended", async || {
        (!is_logged_in(&mut streamer, &world.server).await).then_some(())
    })
    .await;
    assert!(is_logged_in(&mut other, &world.server).await);
    let metrics = world.metrics().await;
    let revoked = [("type", "user.authorization.revoke")];
    assert_eq!(metrics.value("eventsub_notifications_total", &revoked), 1.0);
    // Agreeing again is all it takes.
    let mut streamer = world.log_in().await;
    streamer.chat_becomes("reading").await;
}

#[tokio::test]
async fn who_disconnects_at_twitch_is_logged_out_at_once_and_may_come_back() {
    a_disconnected_user_is_logged_out(World::websocket().await).await;
}

#[tokio::test]
async fn who_disconnects_at_twitch_is_logged_out_at_once_and_may_come_back_with_webhooks() {
    a_disconnected_user_is_logged_out(World::webhook().await).await;
}

/// Twitch repeats what was not answered in time, perhaps at another instance, which has not heard it before.
#[tokio::test]
async fn an_old_withdrawal_takes_nothing_from_who_agreed_again() {
    let mut world = World::webhook().await;
    let mut streamer = world.log_in().await;
    let event =
        serde_json::json!({ "client_id": "c", "user_id": STREAMER, "user_login": null, "user_name": null });
    let body = serde_json::json!({ "subscription": { "type": "user.authorization.revoke" }, "event": event });
    let withdrawal = || Post::notification("user.authorization.revoke", body.to_string());
    withdrawal().sent_before(Duration::from_mins(5)).send(&world.server).await.expect(204);
    withdrawal().send(&world.server).await.expect(204);
    eventually("the login has ended", async || {
        (!is_logged_in(&mut streamer, &world.server).await).then_some(())
    })
    .await;
    assert!(world.server.log.says("who withdrew at Twitch").await);
    let ended = world.server.log.text().matches("who withdrew at Twitch").count();
    assert_eq!(ended, 1);
    // In order: what came first is dealt with first.
    let mut streamer = world.log_in().await;
    withdrawal().sent_before(Duration::from_mins(5)).send(&world.server).await.expect(204);
    let event = serde_json::json!({ "client_id": "c", "user_id": OTHER });
    let other =
        serde_json::json!({ "subscription": { "type": "user.authorization.revoke" }, "event": event });
    let mut other_streamer = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    Post::notification("user.authorization.revoke", other.to_string()).send(&world.server).await.expect(204);
    eventually("the other's login has ended", async || {
        (!is_logged_in(&mut other_streamer, &world.server).await).then_some(())
    })
    .await;
    assert!(is_logged_in(&mut streamer, &world.server).await);
}

#[tokio::test]
async fn of_a_disconnected_bot_the_dashboard_and_check_say_so() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let setup = world.server.setup().clone();
    let bot_row = async || {
        let Finished { stdout, .. } = setup.clone().arguments(&["check", "--json"]).run().await;
        let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        let rows = report["checks"].as_array().unwrap().clone();
        let row = rows.into_iter().find(|row| row["name"] == "bot authorisation").unwrap();
        row["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(bot_row().await, "ok");
    let _overlay = streamer.open_overlay(&world.server).await;
    let hears = |sim: &Sim| sim.subscriptions().iter().any(|one| one.kind == "user.authorization.revoke");
    assert!(world.sim.wait_until(crate::support::SOON, hears).await);
    world.sim.disconnect_user(STREAMER).await;
    eventually("check says so", async || (bot_row().await == "warning").then_some(())).await;
}

/// Nobody was there to hear of it, and no streamer of that name has an account here.
#[tokio::test]
async fn that_the_bot_withdrew_meanwhile_is_noticed_at_the_next_start() {
    let world = World::websocket_with(|setup| setup.set("BOT_USER_ID", BOT)).await;
    let mut streamer = world.log_in().await;
    connect_bot(&mut streamer.browser, &world.sim, BOT).await.expect(200);
    let hint = "href=\"/auth/start?role=bot\"";
    assert!(!streamer.browser.get("/dashboard").await.body.contains(hint));
    // Access tokens that ran out are renewed, and say nothing.
    world.sim.expire_user_tokens();
    let server = restarted(world.server).await;
    checked(&server, "renewed", 2.0).await;
    streamer.browser = streamer.browser.clone().moved_to(&server);
    assert!(!streamer.browser.get("/dashboard").await.body.contains(hint));

    let setup = server.setup().clone();
    server.stop().await;
    world.sim.disconnect_user(BOT).await;
    let mut server = Server::start(setup).await;
    checked(&server, "ended", 1.0).await;
    assert!(server.log.says("no longer agrees to read chat: open /auth/start?role=bot").await);
    streamer.browser = streamer.browser.clone().moved_to(&server);
    assert!(streamer.browser.get("/dashboard").await.body.contains(hint));
    connect_bot(&mut streamer.browser, &world.sim, BOT).await.expect(200);
    assert!(!streamer.browser.get("/dashboard").await.body.contains(hint));
}

fn with_keys(setup: &Setup, current: &str, earlier: &str) -> Setup {
    setup.clone().set("TOKEN_ENCRYPTION_KEY", current).set("TOKEN_ENCRYPTION_KEYS_OLD", earlier)
}

/// The earlier key can be dropped as soon as the tokens were sealed anew.
#[tokio::test]
async fn a_token_key_is_replaced_without_anybody_noticing() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let setup = setup_for(&sim);
    let mut server = Server::start(with_keys(&setup, KEYS[0], "")).await;
    let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    for (current, earlier) in [(KEYS[1], KEYS[0]), (KEYS[2], KEYS[1])] {
        let folder = server.setup().clone();
        server.stop().await;
        server = Server::start(with_keys(&folder, current, earlier)).await;
        checked(&server, "valid", 1.0).await;
        assert!(is_logged_in(&mut streamer, &server).await);
    }
    let folder = server.setup().clone();
    server.stop().await;
    server = Server::start(folder.set("TOKEN_ENCRYPTION_KEYS_OLD", "")).await;
    checked(&server, "valid", 1.0).await;
    assert_eq!(Metrics::of(&server).await.value("grant_checks_total", &[("result", "unreadable")]), 0.0);
}
