//! Logging in as browsers really do it: another host name, several tabs, reloads, strange cookies.

use reqwest::Method;
use reqwest::header::{COOKIE, HeaderValue};

use crate::support::browser::{Browser, parameter, path_of};
use crate::support::server::{Server, Setup};
use crate::support::streamer::{Streamer, agree, connect_bot};
use crate::support::world::{BOT, OTHER, STREAMER, World, setup_for, sim_config, unhurried};

const SESSION: &str = "chatpulse_session";

async fn quick() -> World {
    World::websocket_with(unhurried).await
}

#[tokio::test]
async fn the_address_in_the_log_is_the_one_that_logins_come_back_to() {
    let sim = chatpulse_twitch_sim::Sim::start(sim_config()).await.unwrap();
    let at = |port: u16| format!("http://localhost:{port}/auth/callback");
    let server = Server::start_with(|port| setup_for(&sim).set("TWITCH_REDIRECT_URI", at(port))).await;
    let log = server.log.text();
    assert!(log.contains(&format!("listens on http://localhost:{}\n", server.port)), "{log}");

    // Who opens the other name of this machine all the same is sent to that one first, once.
    let mut browser = Browser::at(&server);
    let answer = browser.get("/auth/start?role=bot").await.expect(302);
    let there = format!("http://localhost:{}/auth/start?role=bot&", server.port);
    assert!(answer.location().starts_with(&there), "{}", answer.location());
    assert!(answer.set_cookies().is_empty(), "nothing is left at a host that nobody comes back to");
    let again = browser.get(&path_of(answer.location())).await.expect(302);
    assert!(again.location().starts_with(&sim.auth_url()), "{}", again.location());
    let at_home = browser.request(Method::GET, "/auth/start").header("Host", "LOCALHOST:1");
    let at_home = browser.send(at_home).await.expect(302);
    assert!(at_home.location().starts_with(&sim.auth_url()), "any port will do: {}", at_home.location());
}

#[tokio::test]
async fn the_log_names_a_public_address_beside_the_port() {
    let setup = Setup::minimal().set("TWITCH_REDIRECT_URI", "https://pulse.example/auth/callback");
    let server = Server::start(setup).await;
    let line = format!("listens on http://127.0.0.1:{}; open https://pulse.example\n", server.port);
    assert!(server.log.text().contains(&line), "{}", server.log.text());
}

#[tokio::test]
async fn five_logins_may_be_under_way_in_one_browser() {
    let world = quick().await;
    let mut browser = Browser::at(&world.server);
    let mut callbacks = Vec::new();
    for _ in 0..6 {
        callbacks.push(agree(&mut browser, &world.sim, STREAMER).await);
    }
    browser.get(&callbacks[0]).await.expect_page(400);
    for callback in callbacks[1..].iter().rev() {
        browser.get(callback).await.leads_to("/dashboard");
        browser.get("/dashboard").await.expect(200);
    }
    assert!(browser.cookies.keys().all(|name| !name.starts_with("chatpulse_oauth")), "{:?}", browser.cookies);
}

#[tokio::test]
async fn a_streamer_and_the_bot_log_in_side_by_side() {
    let world = World::websocket_with(|setup| unhurried(setup.set("BOT_USER_ID", BOT))).await;
    let mut browser = Browser::at(&world.server);
    let streamer = agree(&mut browser, &world.sim, STREAMER).await;
    connect_bot(&mut browser, &world.sim, BOT).await.expect_page(200);
    browser.get(&streamer).await.leads_to("/dashboard");
}

/// Two tabs that start at the same moment do not see each other's cookie.
#[tokio::test]
async fn two_tabs_that_start_at_once_both_log_in() {
    let world = quick().await;
    let (mut left, mut right) = (Browser::at(&world.server), Browser::at(&world.server));
    let (first, second) =
        (agree(&mut left, &world.sim, STREAMER).await, agree(&mut right, &world.sim, STREAMER).await);
    left.cookies.extend(right.cookies.clone());
    left.get(&first).await.leads_to("/dashboard");
    left.get(&second).await.leads_to("/dashboard");
}

#[tokio::test]
async fn a_state_is_good_once_for_every_copy_of_its_cookie() {
    let world = quick().await;
    let mut browser = Browser::at(&world.server);
    let callback = agree(&mut browser, &world.sim, STREAMER).await;
    let mut copy = browser.clone();
    let state = parameter(&format!("http://x{callback}"), "state").unwrap();
    browser.get(&format!("/auth/callback?state={state}&error=access_denied")).await.expect(302);
    let refused = copy.get(&callback).await.expect_page(400);
    assert!(refused.body.contains("href=\"/auth/start\""), "{}", refused.body);
    assert!(!copy.cookies.contains_key(SESSION));
}

#[tokio::test]
async fn who_is_logged_in_and_reloads_the_callback_finds_the_dashboard() {
    let world = quick().await;
    let mut browser = Browser::at(&world.server);
    let callback = agree(&mut browser, &world.sim, STREAMER).await;
    browser.get(&callback).await.leads_to("/dashboard");
    browser.get(&callback).await.leads_to("/dashboard");
    // Of a state that never came back it is not known whose it is.
    let made_up = format!("/auth/callback?code=x&state={}", "ab".repeat(32));
    browser.get(&made_up).await.expect_page(400);
    browser.get("/auth/callback?code=x").await.expect_page(400);
    let mut other = Browser::at(&world.server);
    let unspent = agree(&mut other, &world.sim, OTHER).await;
    browser.get(&unspent).await.expect_page(400);
    // Nobody is logged in by a callback that was used before.
    Browser::at(&world.server).get(&callback).await.expect_page(400);
}

#[tokio::test]
async fn head_logs_nobody_in_and_spends_nothing() {
    let world = quick().await;
    let mut browser = Browser::at(&world.server);
    let callback = agree(&mut browser, &world.sim, STREAMER).await;
    let answer = browser.send(browser.request(Method::HEAD, &callback)).await;
    assert!(answer.status == 405 && answer.set_cookies().is_empty(), "{answer:?}");
    browser.get(&callback).await.leads_to("/dashboard");
}

#[tokio::test]
async fn a_redirect_url_that_twitch_does_not_know_is_named() {
    let world = quick().await;
    let answer = Browser::at(&world.server).get("/auth/callback?error=redirect_mismatch").await;
    let page = answer.expect_page(400).body;
    assert!(page.contains("http://127.0.0.1/auth/callback"), "{page}");
}

#[tokio::test]
async fn a_cookie_of_another_program_locks_nobody_out() {
    let world = quick().await;
    let mut streamer = world.log_in().await;
    let session = streamer.browser.cookies[SESSION].clone();
    let ours = format!("{SESSION}={session}");
    let planted: Vec<String> = (0..20).map(|number| format!("{SESSION}={number:064x}; ")).collect();
    let planted = planted.concat();
    for header in [
        [b"caf\xe9=1; ", ours.as_bytes()].concat(),
        [ours.as_bytes(), b"; odd=\xff\xfe; =; ;;"].concat(),
        [b"a=\"x;y; ", ours.as_bytes()].concat(),
        [b"n\xc3\xa4me=w\xc3\xa4rt;", ours.as_bytes()].concat(),
        [planted.as_bytes(), ours.as_bytes()].concat(),
    ] {
        let odd = HeaderValue::from_bytes(&header).unwrap();
        let request = world.server.http.get(world.server.url("/dashboard")).header(COOKIE, odd);
        assert_eq!(request.send().await.unwrap().status(), 200, "{}", header.escape_ascii());
    }
    // A login goes on as well.
    let callback = agree(&mut streamer.browser, &world.sim, STREAMER).await;
    let cookies: Vec<String> =
        streamer.browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let odd = HeaderValue::from_bytes(&[b"\xe9=1; ", cookies.join("; ").as_bytes()].concat()).unwrap();
    let request = world.server.http.get(world.server.url(&callback)).header(COOKIE, odd);
    let answer = request.send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
        (302, "/dashboard")
    );
}

#[tokio::test]
async fn with_a_public_https_address_cookies_travel_by_tls_only() {
    let world = World::websocket_with(|setup| setup.set("PUBLIC_URL", "https://pulse.example")).await;
    let mut browser = Browser::at(&world.server);
    let callback = agree(&mut browser, &world.sim, STREAMER).await;
    let answer = browser.get(&callback).await.leads_to("/dashboard");
    let cookies = answer.set_cookies();
    assert!(cookies.iter().all(|cookie| cookie.contains("; Secure")), "{cookies:?}");
    assert!(cookies.iter().any(|cookie| cookie.starts_with("chatpulse_session=")), "this is development");
}

#[tokio::test]
async fn tokens_that_a_login_replaces_are_revoked_and_chat_goes_on() {
    let world = quick().await;
    let mut streamer = world.log_in().await;
    let _overlay = streamer.open_overlay(&world.server).await;
    streamer.chat_becomes("reading").await;
    let mut again = world.log_in().await;
    assert_eq!(world.sim.revoked_tokens().len(), 1);
    // Tokens that ran out are revoked all the same.
    world.sim.expire_user_tokens();
    world.log_in().await;
    assert_eq!(world.sim.revoked_tokens().len(), 2);
    again.chat_becomes("reading").await;
    assert!(world.sim.grants().iter().any(|grant| grant.user_id == STREAMER));
    streamer.browser.get("/dashboard").await.expect(200);
}

#[tokio::test]
async fn tokens_of_an_account_that_is_not_the_bot_are_revoked() {
    let world = World::websocket_with(|setup| unhurried(setup.set("BOT_USER_ID", BOT))).await;
    let mut streamer = Streamer::log_in(&world.server, &world.sim, STREAMER).await;
    let refused = connect_bot(&mut streamer.browser, &world.sim, STREAMER).await.expect_page(403);
    assert!(refused.body.contains("/auth/start?role=bot"));
    assert_eq!(world.sim.revoked_tokens().len(), 1);
    streamer.browser.get("/dashboard").await.expect(200);
    for agreed in [1, 2] {
        connect_bot(&mut streamer.browser, &world.sim, BOT).await.expect_page(200);
        assert_eq!(world.sim.revoked_tokens().len(), agreed, "the second consent replaces the first");
    }
}
