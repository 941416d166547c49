//! Who may log in: `ALLOWED_STREAMERS`, and what becomes of those who may not.

use std::fs;

use chatpulse_twitch_sim::{Endpoint, Fault, Sim};
use serde_json::json;

use crate::support::browser::{Answer, Browser, parameter};
use crate::support::server::{Server, Setup};
use crate::support::streamer::{Streamer, agree, connect_bot};
use crate::support::world::{BOT, OTHER, STREAMER, World};

/// A server that uses this value of `ALLOWED_STREAMERS`.
async fn world(allowed: &str) -> World {
    World::websocket_with(|setup| unhurried(setup.set("ALLOWED_STREAMERS", allowed))).await
}

fn unhurried(setup: Setup) -> Setup {
    setup.set("AUTH_RATE_PER_MINUTE", "0").set("API_RATE_PER_MINUTE", "0")
}

/// The answer of the callback after this user agreed at Twitch.
async fn come_back(server: &Server, sim: &Sim, user: &str) -> (Browser, Answer) {
    let mut browser = Browser::at(server);
    let callback = agree(&mut browser, sim, user).await;
    let answer = browser.get(&callback).await;
    (browser, answer)
}

async fn is_refused(world: &World, user: &str) {
    let before = world.sim.revoked_tokens().len();
    let (mut browser, answer) = come_back(&world.server, &world.sim, user).await;
    let page = answer.expect_page(403).body;
    assert!(page.contains("can’t log in here") && page.contains("ALLOWED_STREAMERS"), "{page}");
    assert!(!browser.cookies.contains_key("chatpulse_session"));
    browser.get("/dashboard").await.leads_to("/auth/login");
    assert_eq!(world.sim.revoked_tokens().len(), before + 1, "their tokens are revoked");
}

/// Whether the database holds this text, in the file or in the log beside it.
fn is_stored(server: &Server, text: &str) -> bool {
    let files = fs::read_dir(server.setup().folder().join("data")).unwrap();
    files
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[tokio::test]
async fn a_solo_belongs_to_whoever_logged_in_first() {
    let world = world("").await;
    let mut streamer = world.log_in().await;
    is_refused(&world, OTHER).await;
    assert!(!is_stored(&world.server, OTHER), "no account is left of somebody who was refused");
    assert!(is_stored(&world.server, STREAMER));
    streamer.browser.get("/dashboard").await.expect(200);
    world.log_in().await;
}

#[tokio::test]
async fn who_claimed_the_server_may_delete_the_account_and_come_back_alone() {
    let world = world("").await;
    let mut streamer = world.log_in().await;
    let form = [("csrf_token", streamer.csrf.clone()), ("confirm", "streamer".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    streamer.browser.post("/dashboard/delete-account", &form).await.leads_to("/auth/login?notice=deleted");
    is_refused(&world, OTHER).await;
    let setup = world.server.setup().clone();
    world.server.stop().await;
    let server = Server::start(setup).await;
    let world = World { server, sim: world.sim };
    is_refused(&world, OTHER).await;
    world.log_in().await;
}

#[tokio::test]
async fn a_list_admits_its_logins_and_ids_and_nobody_else() {
    let world = world(&format!(" @Other, {STREAMER}")).await;
    world.log_in().await;
    Streamer::log_in(&world.server, &world.sim, OTHER).await;
    is_refused(&world, BOT).await;
}

/// Twitch says this of the next token.
fn next_is(sim: &Sim, user: &str, login: &str) {
    let valid = json!({ "client_id": "x", "login": login, "user_id": user, "scopes": ["channel:bot"],
        "expires_in": 14_124 });
    sim.fail_next(Endpoint::Validate, &Fault::status(200).body(valid.to_string()), 1);
}

#[tokio::test]
async fn a_listed_name_stays_with_the_account_that_used_it_first() {
    let world = world("other").await;
    assert!(world.sim.wait_until(crate::support::SOON, |sim| !sim.conduits().is_empty()).await);
    Streamer::log_in(&world.server, &world.sim, OTHER).await;
    // The account was renamed, and somebody else took the name.
    next_is(&world.sim, BOT, "other");
    is_refused(&world, BOT).await;
    next_is(&world.sim, OTHER, "renamed");
    let (_, answer) = come_back(&world.server, &world.sim, OTHER).await;
    answer.leads_to("/dashboard");
}

#[tokio::test]
async fn the_logins_of_those_who_may_not_log_in_any_more_end_at_the_next_start() {
    let world = world("*").await;
    let mut streamer = world.log_in().await;
    let mut other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    let setup = world.server.setup().clone();
    world.server.stop().await;
    let server = Server::start(setup.set("ALLOWED_STREAMERS", "other")).await;
    streamer.browser = streamer.browser.moved_to(&server);
    other.browser = other.browser.moved_to(&server);
    streamer.browser.get("/dashboard").await.leads_to("/auth/login");
    other.browser.get("/dashboard").await.expect(200);
    assert!(server.log.text().contains("audit: end_login ok: not_admitted"), "{}", server.log.text());
    // Whoever logged in first is so under every list.
    let setup = server.setup().clone();
    server.stop().await;
    let server = Server::start(setup.set("ALLOWED_STREAMERS", "")).await;
    other.browser = other.browser.moved_to(&server);
    other.browser.get("/dashboard").await.leads_to("/auth/login");
    Streamer::log_in(&server, &world.sim, STREAMER).await;
}

#[tokio::test]
async fn a_bot_account_alone_is_the_only_streamer_of_a_solo() {
    let world = World::websocket_with(|setup| {
        unhurried(setup.set("ALLOWED_STREAMERS", "").set("BOT_USER_ID", STREAMER))
    })
    .await;
    is_refused(&world, OTHER).await;
    let started = Browser::at(&world.server).get("/auth/start").await;
    let scope = parameter(started.location(), "scope");
    assert_eq!(scope.as_deref(), Some("channel:bot user:read:chat user:bot"), "they are their own reader");
    let mut streamer = world.log_in().await;
    assert!(!streamer.browser.get("/dashboard").await.body.contains("role=bot"), "nothing is left to do");
}

#[tokio::test]
async fn the_bot_agrees_whether_or_not_it_may_log_in() {
    let world = World::websocket_with(|setup| {
        unhurried(setup.set("ALLOWED_STREAMERS", "streamer").set("BOT_USER_ID", BOT))
    })
    .await;
    is_refused(&world, BOT).await;
    connect_bot(&mut Browser::at(&world.server), &world.sim, BOT).await.expect_page(200);
    world.log_in().await;
}

/// The first streamer reads chat for the others, so nobody else is asked for that.
#[tokio::test]
async fn only_the_reader_of_a_solo_is_asked_to_read() {
    let world = world("*").await;
    let scope = async || {
        let started = Browser::at(&world.server).get("/auth/start").await;
        parameter(started.location(), "scope").unwrap()
    };
    assert_eq!(scope().await, "channel:bot user:read:chat user:bot");
    let streamer = world.log_in().await;
    assert_eq!(scope().await, "channel:bot");
    Streamer::log_in(&world.server, &world.sim, OTHER).await;
    // The reader comes back that way too, and goes on reading with what they agreed to before.
    assert_eq!(world.sim.revoked_tokens(), [""; 0]);
    let mut again = world.log_in().await;
    assert_eq!(world.sim.revoked_tokens().len(), 1, "the narrower tokens");
    world.sim.expire_user_tokens();
    let setup = world.server.setup().clone();
    world.server.stop().await;
    let server = Server::start(setup).await;
    again.browser = again.browser.moved_to(&server);
    assert!(!again.browser.get("/dashboard").await.body.contains("role=bot"));
    let _overlay = streamer.open_overlay(&server).await;
    again.chat_becomes("reading").await;
}
