//! Login with Twitch, connecting the bot, logout.

use chatpulse_twitch_sim::{Endpoint, Fault};
use reqwest::Method;

use crate::support::browser::{Answer, Browser, parameter, path_of};
use crate::support::eventually;
use crate::support::server::{Server, Setup};
use crate::support::streamer::{Streamer, agree, between, connect_bot};
use crate::support::world::{BOT, CLIENT_ID, OTHER, STREAMER, World};

const SESSION: &str = "chatpulse_session";

fn cookie<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let prefix = format!("{name}=");
    let all = answer.set_cookies();
    all.into_iter()
        .find(|cookie| cookie.starts_with(&prefix))
        .unwrap_or_else(|| panic!("no cookie {name} in {answer:?}"))
}

#[tokio::test]
async fn twitch_is_asked_for_what_is_needed_and_no_more() {
    let world = World::websocket().await;
    let mut browser = Browser::at(&world.server);
    let started = browser.get("/auth/start").await.expect(302);
    let asked = |answer: &Answer, name: &str| parameter(answer.location(), name);
    assert!(started.location().starts_with(&format!("{}/authorize?", world.sim.auth_url())));
    assert_eq!(asked(&started, "client_id").as_deref(), Some(CLIENT_ID));
    assert_eq!(asked(&started, "redirect_uri").as_deref(), Some("http://127.0.0.1/auth/callback"));
    assert_eq!(asked(&started, "response_type").as_deref(), Some("code"));
    assert_eq!(
        asked(&started, "scope").as_deref(),
        Some("channel:bot user:read:chat user:bot"),
        "the streamer is the own reader"
    );
    let state = asked(&started, "state").unwrap();
    assert!(state.len() >= 32);
    let again = browser.get("/auth/start").await;
    assert_ne!(asked(&again, "state").unwrap(), state);
    browser.get("/auth/start?role=king").await.expect_page(400);

    let with_bot = World::websocket_with(|setup| setup.set("BOT_USER_ID", BOT)).await;
    let mut browser = Browser::at(&with_bot.server);
    let streamer = browser.get("/auth/start").await;
    assert_eq!(asked(&streamer, "scope").as_deref(), Some("channel:bot"));
    let bot = browser.get("/auth/start?role=bot").await;
    assert_eq!(asked(&bot, "scope").as_deref(), Some("user:read:chat user:bot"));
    assert_eq!(asked(&bot, "force_verify").as_deref(), Some("true"));
}

#[tokio::test]
async fn a_login_gets_a_new_session_whatever_cookie_came_along() {
    let world = World::websocket().await;
    let mut browser = Browser::at(&world.server);
    let planted = "ab".repeat(32);
    browser.cookies.insert(SESSION.to_owned(), planted.clone());
    let callback = agree(&mut browser, &world.sim, STREAMER).await;
    let answer = browser.get(&callback).await.leads_to("/dashboard");
    let set = cookie(&answer, SESSION);
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(set.contains(attribute), "{set}");
    }
    assert!(!set.contains("Secure"), "this is development: {set}");
    let first = browser.cookies[SESSION].clone();
    assert!(first != planted && first.len() == 64);
    let mut attacker = Browser::at(&world.server);
    attacker.cookies.insert(SESSION.to_owned(), planted);
    attacker.get("/dashboard").await.leads_to("/auth/login");

    // Logging in once more ends the session before.
    let callback = agree(&mut browser, &world.sim, STREAMER).await;
    browser.get(&callback).await.leads_to("/dashboard");
    assert_ne!(browser.cookies[SESSION], first);
    attacker.cookies.insert(SESSION.to_owned(), first);
    attacker.get("/dashboard").await.leads_to("/auth/login");
    browser.get("/dashboard").await.expect(200);
    browser.get("/auth/login").await.leads_to("/dashboard");
}

#[tokio::test]
async fn without_a_session_pages_lead_to_the_login_and_calls_are_refused() {
    let server = Server::start(Setup::minimal()).await;
    let mut browser = Browser::at(&server);
    browser.get("/").await.leads_to("/dashboard");
    browser.get("/dashboard").await.leads_to("/auth/login");
    browser.post("/dashboard/config", &[]).await.leads_to("/auth/login");
    browser.get("/api/overlay-status").await.expect_problem(401);
    for path in ["/api/test-vote", "/api/rotate-overlay-uuid", "/api/reset/nonsense"] {
        browser.post(path, &[]).await.expect_problem(401);
    }
    let login = browser.get("/auth/login").await.expect_page(200);
    assert!(login.body.contains("Log in with Twitch") && login.body.contains("href=\"/auth/start\""));
    for malformed in ["", "x", "é", &"z".repeat(64), &"a".repeat(63), &"a".repeat(4_000)] {
        let request = browser.request(Method::GET, "/dashboard");
        let request = request.header("Cookie", format!("{SESSION}={malformed}"));
        browser.send(request).await.leads_to("/auth/login");
    }
}

#[tokio::test]
async fn a_state_of_another_login_is_refused() {
    let world = World::websocket_with(|setup| setup.set("AUTH_RATE_PER_MINUTE", "0")).await;
    let mut browser = Browser::at(&world.server);
    let callback = agree(&mut browser, &world.sim, STREAMER).await;
    let code = parameter(&format!("http://x{callback}"), "code").unwrap();
    let mut other = Browser::at(&world.server);
    other.get("/auth/start").await;
    for (who, path) in [
        ("another browser", callback.clone()),
        ("no state", format!("/auth/callback?code={code}")),
        ("an empty state", format!("/auth/callback?code={code}&state=")),
        ("a made up state", format!("/auth/callback?code={code}&state={}", "ab".repeat(32))),
    ] {
        let answer = other.get(&path).await.expect_page(400);
        assert!(answer.body.contains("/auth/start"), "{who}: a way to try again");
        assert!(!answer.body.contains(&code));
        other.get("/auth/start").await;
    }
    Browser::at(&world.server).get(&callback).await.expect_page(400);

    browser.get(&callback).await.leads_to("/dashboard");
    let logged_in = browser.cookies.clone();
    browser.get(&callback).await.leads_to("/dashboard");
    assert_eq!(browser.cookies, logged_in, "a replay changes nothing");
    browser.get("/dashboard").await.expect(200);
    assert!(!world.server.log.text().contains(&code), "codes are in no log");
}

#[tokio::test]
async fn somebody_elses_link_does_not_spoil_a_login_that_is_under_way() {
    let world = World::websocket().await;
    let mut browser = Browser::at(&world.server);
    let callback = agree(&mut browser, &world.sim, STREAMER).await;
    browser.get(&format!("/auth/callback?code=x&state={}", "ab".repeat(32))).await.expect_page(400);
    browser.get("/auth/callback").await.expect_page(400);
    browser.get(&callback).await.leads_to("/dashboard");
}

#[tokio::test]
async fn a_planted_cookie_beside_the_right_one_logs_nobody_out() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let (session, mut browser) = (&streamer.browser.cookies[SESSION], Browser::at(&world.server));
    for planted in ["cd".repeat(32), "nonsense".to_owned()] {
        for cookies in [
            format!("{SESSION}={planted}; {SESSION}={session}"),
            format!("{SESSION}={session}; {SESSION}={planted}"),
        ] {
            let request = browser.request(Method::GET, "/dashboard").header("Cookie", cookies);
            browser.send(request).await.expect(200);
        }
    }
}

async fn started(world: &World) -> (Browser, String) {
    let mut browser = Browser::at(&world.server);
    let answer = browser.get("/auth/start").await;
    let state = parameter(answer.location(), "state").unwrap();
    (browser, state)
}

#[tokio::test]
async fn a_code_that_is_missing_or_refused_leaves_a_way_to_try_again() {
    let world = World::websocket().await;
    for query in ["", "&code=", "&code=made-up", "&error=server_error"] {
        let (mut browser, state) = started(&world).await;
        let answer = browser.get(&format!("/auth/callback?state={state}{query}")).await;
        let page = answer.expect_page(400);
        assert!(page.body.contains("href=\"/auth/start\""), "{query}: {}", page.body);
        assert!(!browser.cookies.contains_key(SESSION));
    }
}

#[tokio::test]
async fn who_cancels_at_twitch_is_answered_kindly() {
    let world = World::websocket().await;
    let mut browser = Browser::at(&world.server);
    let start = browser.get("/auth/start").await;
    let mut form: Vec<(String, String)> =
        url::Url::parse(start.location()).unwrap().query_pairs().into_owned().collect();
    form.push(("decision".to_owned(), "cancel".to_owned()));
    let authorize = format!("{}/authorize", world.sim.auth_url());
    let back = browser.post_elsewhere(&authorize, &form).await.expect(303);
    assert_eq!(parameter(back.location(), "error").as_deref(), Some("access_denied"));
    let answer = browser.get(&path_of(back.location())).await.expect(302);
    assert!(answer.location().starts_with("/auth/login"));
    let login = answer.location().to_owned();
    let page = browser.get(&login).await.expect_page(200).body;
    assert!(page.contains("You cancelled at Twitch"));
}

#[tokio::test]
async fn a_twitch_that_does_not_answer_is_a_502_and_the_next_try_works() {
    let world = World::websocket_with(|setup| setup.set("AUTH_RATE_PER_MINUTE", "0")).await;
    assert!(world.sim.wait_until(crate::support::SOON, |sim| !sim.conduits().is_empty()).await);
    for (endpoint, fault) in [
        (Endpoint::Token, Fault::status(503)),
        (Endpoint::Token, Fault::status(200).body("<html>")),
        (Endpoint::Token, Fault::status(429)),
        (Endpoint::Validate, Fault::status(500)),
    ] {
        world.sim.fail_next(endpoint, &fault, 1);
        let mut browser = Browser::at(&world.server);
        let callback = agree(&mut browser, &world.sim, STREAMER).await;
        let page = browser.get(&callback).await.expect_page(502);
        assert!(page.body.contains("href=\"/auth/start\""), "{endpoint:?}");
    }
    // The name is a nicety: without it the login goes on.
    world.sim.fail_next(Endpoint::GetUsers, &Fault::status(503), 1);
    let streamer = world.log_in().await;
    let (mut browser, state) = started(&world).await;
    let World { sim, server } = world;
    sim.stop().await;
    let path = format!("/auth/callback?state={state}&code=abc");
    browser.get(&path).await.expect_page(502);
    drop((streamer, server));
}

#[tokio::test]
async fn logging_out_kills_a_copied_cookie() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let mut thief = streamer.browser.clone();
    let mut elsewhere = world.log_in().await;
    let csrf = streamer.csrf.clone();
    let answer = streamer.browser.post("/auth/logout", &[("csrf_token", &csrf)]).await;
    let answer = answer.leads_to("/auth/login");
    assert!(cookie(&answer, SESSION).contains("Max-Age=0"));
    thief.get("/dashboard").await.leads_to("/auth/login");
    thief.get("/api/overlay-status").await.expect_problem(401);
    elsewhere.browser.get("/dashboard").await.expect(200);

    let mut third = world.log_in().await;
    let csrf = third.csrf.clone();
    let answer = third.browser.post("/auth/logout?everywhere=1", &[("csrf_token", &csrf)]).await;
    answer.leads_to("/auth/login");
    elsewhere.browser.get("/dashboard").await.leads_to("/auth/login");
}

#[tokio::test]
async fn a_session_ends_on_the_server_too() {
    let world =
        World::websocket_with(|setup| setup.set("SESSION_MAX_AGE", "1s").set("API_RATE_PER_MINUTE", "0"))
            .await;
    let mut streamer = world.log_in().await;
    // This browser keeps the cookie for ever.
    eventually("the session is over", async || {
        (streamer.browser.get("/dashboard").await.status == 302).then_some(())
    })
    .await;
    streamer.browser.get("/api/overlay-status").await.expect_problem(401);
    // An overlay needs no session.
    assert_eq!(streamer.open_overlay(&world.server).await.next_value().await, 0.0);
}

#[tokio::test]
async fn only_the_bot_account_can_be_connected_as_the_bot() {
    let world = World::websocket_with(|setup| setup.set("BOT_USER_ID", BOT)).await;
    let mut streamer = world.log_in().await;
    let session = streamer.browser.cookies[SESSION].clone();
    let hint = "href=\"/auth/start?role=bot\"";
    assert!(streamer.browser.get("/dashboard").await.body.contains(hint));

    let wrong = connect_bot(&mut streamer.browser, &world.sim, OTHER).await.expect_page(403);
    assert!(wrong.body.contains("Other is not the account"), "{}", wrong.body);
    assert!(streamer.browser.get("/dashboard").await.body.contains(hint));
    let done = connect_bot(&mut streamer.browser, &world.sim, BOT).await.expect_page(200);
    assert!(done.body.contains("ChatPulse_Bot") && done.body.contains("connected"));
    assert_eq!(streamer.browser.cookies[SESSION], session, "the own login stays");
    let page = streamer.browser.get("/dashboard").await.body;
    assert!(!page.contains(hint) && page.contains("Streamer"));

    // A browser without a login has none afterwards.
    let mut fresh = Browser::at(&world.server);
    connect_bot(&mut fresh, &world.sim, BOT).await.expect(200);
    fresh.get("/dashboard").await.leads_to("/auth/login");
}

#[tokio::test]
async fn a_bot_that_agrees_after_the_overlay_was_opened_reads_at_once() {
    let world = World::websocket_with(|setup| setup.set("BOT_USER_ID", BOT)).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    streamer.chat_becomes("not_authorized").await;
    connect_bot(&mut Browser::at(&world.server), &world.sim, BOT).await.expect(200);
    streamer.chat_becomes("reading").await;
    world.say("Ada", "yes").await;
    overlay.shows(|value| value > 5.0).await;
}

#[tokio::test]
async fn a_renamed_streamer_keeps_account_and_overlay() {
    let world = World::websocket().await;
    let before = world.log_in().await;
    assert!(world.sim.wait_until(crate::support::SOON, |sim| !sim.conduits().is_empty()).await);
    let body =
        serde_json::json!({ "data": [{ "id": STREAMER, "login": "renamed", "display_name": "<i>Neu</i>" }] });
    world.sim.fail_next(Endpoint::GetUsers, &Fault::status(200).body(body.to_string()), 1);
    let mut after = world.log_in().await;
    assert_eq!(after.overlay, before.overlay);
    let page = after.browser.get("/dashboard").await.body;
    assert!(page.contains("&lt;i&gt;Neu&lt;/i&gt;") && !page.contains("<i>Neu"));
}

#[tokio::test]
async fn in_production_cookies_travel_by_tls_only() {
    let world = World::websocket_with(|setup| {
        setup
            .set("APP_ENV", "production")
            .set("HOST", "127.0.0.1")
            .set("ALLOW_EMBEDDED", "true")
            .set("PUBLIC_URL", "https://chatpulse.example.com/")
            .set("TWITCH_REDIRECT_URI", "https://chatpulse.example.com/auth/callback")
            .set("SESSION_SECRET", "a session secret of more than 32 bytes")
            .set("TOKEN_ENCRYPTION_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
            .set("METRICS_TOKEN", "a token for operators")
    })
    .await;
    let mut browser = Browser::at(&world.server);
    let start = browser.get("/auth/start?hop=1").await;
    let cookies = start.set_cookies();
    assert!(cookies.iter().all(|cookie| cookie.starts_with("__Host-chatpulse_oauth_")), "{cookies:?}");
    assert!(cookies.iter().all(|cookie| cookie.contains("; Secure") && cookie.contains("; Path=/")));
    let callback = agree(&mut browser, &world.sim, STREAMER).await;
    let answer = browser.get(&callback).await.leads_to("/dashboard");
    assert!(cookie(&answer, "__Host-chatpulse_session").contains("; Secure"));
    let hsts = answer.header("strict-transport-security");
    assert!(hsts.starts_with("max-age=") && hsts.ends_with("; includeSubDomains"), "{hsts}");
    // Any host of the domain could set the plain name.
    let session = browser.cookies["__Host-chatpulse_session"].clone();
    let mut planted = Browser::at(&world.server);
    planted.cookies.insert(SESSION.to_owned(), session);
    planted.get("/dashboard").await.leads_to("/auth/login");
    let streamer = Streamer::at_dashboard(browser).await;
    let page = streamer.browser.clone().get("/dashboard").await.body;
    let url = between(&page, "data-url=\"", "\"");
    assert_eq!(
        url,
        format!("https://chatpulse.example.com/overlay/{}", streamer.overlay),
        "PUBLIC_URL is the base of what is shown"
    );
}
