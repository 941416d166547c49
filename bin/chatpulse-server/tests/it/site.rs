//! Requests that come by another site: foreign host names, foreign pages, and the headers that keep pages apart.

use reqwest::Method;

use crate::support::browser::{Answer, Browser};
use crate::support::server::{Server, Setup};
use crate::support::world::{World, unhurried, with_webhook};

async fn ask(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.http.get(server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

/// The name of a page's own site may be made to point to this machine.
#[tokio::test]
async fn a_solo_on_loopback_answers_to_its_own_names_only() {
    let setup = || {
        unhurried(Setup::minimal())
            .set("PUBLIC_URL", "https://pulse.example")
            .set("TWITCH_REDIRECT_URI", "https://login.example/auth/callback")
    };
    let server = Server::start_with(|port| {
        with_webhook(setup(), port).set("WEBHOOK_CALLBACK_URL", "https://hooks.example/webhooks/eventsub")
    })
    .await;
    for ours in [
        "localhost",
        "LOCALHOST:99",
        "127.0.0.1",
        "127.9.9.9:1",
        "[::1]:8080",
        "pulse.example",
        "Pulse.Example.:444",
        "login.example",
        "hooks.example:8443",
    ] {
        ask(&server, "/auth/login", &[("Host", ours)]).await.expect_page(200);
    }
    for foreign in [
        "evil.example",
        "pulse.example.evil.example",
        "xpulse.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8080",
        "0.0.0.0",
        "192.168.1.7",
        "[::2]",
        "a b",
        "",
    ] {
        ask(&server, "/auth/login", &[("Host", foreign)]).await.expect_page(421);
        ask(&server, "/api/overlay-status", &[("Host", foreign)]).await.expect_problem(421);
        ask(&server, "/health/live", &[("Host", foreign)]).await.expect(200);
        let hook = server.http.post(server.url("/webhooks/eventsub")).header("Host", foreign);
        assert_eq!(hook.send().await.unwrap().status(), 400, "webhooks go by their signature");
    }
    // Nobody else's word for the name is believed.
    let forged = [("Host", "evil.example"), ("X-Forwarded-Host", "localhost")];
    ask(&server, "/auth/login", &forged).await.expect_page(421);

    let behind_proxy = Server::start(setup().set("TRUSTED_PROXIES", "127.0.0.1")).await;
    ask(&behind_proxy, "/auth/login", &[("X-Forwarded-Host", "pulse.example:443")]).await.expect_page(200);
    for foreign in ["evil.example", "pulse.example, evil.example"] {
        ask(&behind_proxy, "/auth/login", &[("X-Forwarded-Host", foreign)]).await.expect_page(421);
    }

    let open = Server::start(setup().set("HOST", "0.0.0.0")).await;
    ask(&open, "/auth/login", &[("Host", "anything.example")]).await.expect_page(200);
}

/// Saves, with these headers; nothing but them differs.
async fn posted(world: &World, headers: &[(&str, &str)]) -> u16 {
    let mut streamer = world.log_in().await;
    let mut request = streamer.browser.request(Method::POST, "/auth/logout");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let csrf = streamer.csrf.clone();
    streamer.browser.send(request.form(&[("csrf_token", csrf)])).await.status
}

#[tokio::test]
async fn a_post_comes_from_our_own_pages_where_the_browser_says_where_from() {
    let world =
        World::websocket_with(|setup| unhurried(setup.set("PUBLIC_URL", "https://pulse.example/"))).await;
    let own = world.server.base.clone();
    for fine in [
        &[][..],
        &[("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "none")],
        &[("Sec-Fetch-Site", "same-origin"), ("Origin", "null")],
        &[("Origin", &own)],
        &[("Origin", "https://pulse.example")],
        &[("Origin", "https://pulse.example:443")],
    ] {
        assert_eq!(posted(&world, fine).await, 302, "{fine:?}");
    }
    for foreign in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "")],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", &own)],
        &[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "null")],
        &[("Origin", "")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "http://pulse.example")],
        &[("Origin", "https://pulse.example:8443")],
        &[("Origin", "http://127.0.0.1")],
        &[("Origin", &own.replace("http:", "https:"))],
        &[("Origin", &own), ("Origin", "https://evil.example")],
    ] {
        assert_eq!(posted(&world, foreign).await, 403, "{foreign:?}");
    }
    let mut browser = Browser::at(&world.server);
    for path in ["/api/test-vote", "/api/rotate-overlay-uuid"] {
        let request = browser.request(Method::POST, path).header("Origin", "null");
        browser.send(request).await.expect_problem(403);
    }
    // Reading needs no origin, and what programs call has none to check.
    let read = browser.request(Method::GET, "/auth/login").header("Sec-Fetch-Site", "cross-site");
    browser.send(read).await.expect_page(200);
    for (path, status) in
        [("/webhooks/eventsub", 404), ("/api/v1/vote", 404), ("/hook/abc", 404), ("/hook", 404)]
    {
        let request = browser.request(Method::POST, path).header("Origin", "https://evil.example");
        assert_eq!(browser.send(request).await.status, status, "{path}");
    }
    for path in ["/hooked", "/api/v10/vote"] {
        let request = browser.request(Method::POST, path).header("Origin", "https://evil.example");
        assert_eq!(browser.send(request).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn what_is_for_one_person_is_not_stored_and_names_no_secret_to_others() {
    let world = World::websocket_with(unhurried).await;
    let mut streamer = world.log_in().await;
    let uuid = streamer.overlay.clone();
    for path in ["/dashboard", "/dashboard/export", "/api/overlay-status", "/api/nowhere", "/auth/login"] {
        let answer = streamer.browser.get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    }
    let saved = streamer.call("/dashboard/config", &serde_json::Value::Null).await;
    assert_eq!(saved.header("cache-control"), "no-store");
    for path in
        [format!("/overlay/{uuid}"), "/overlay/nonsense".to_owned(), "/auth/callback?code=x".to_owned()]
    {
        let answer = streamer.browser.get(&path).await;
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
}
