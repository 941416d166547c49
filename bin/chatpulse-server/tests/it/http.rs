//! HTTP edge: headers, limits, errors and operator endpoints.

use std::time::{Duration, Instant};

use reqwest::Method;
use tokio::join;

use crate::support::browser::{Answer, Browser};
use crate::support::server::{Server, Setup};
use crate::support::streamer::Form;
use crate::support::wire::Wire;
use crate::support::world::World;

#[tokio::test]
async fn every_page_is_guarded_by_headers() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let overlay = format!("/overlay/{}", streamer.overlay);
    let unknown = format!("/overlay/{}", uuid::Uuid::new_v4());
    let mut visitor = Browser::at(&world.server);
    let pages = [
        visitor.get("/auth/login").await,
        visitor.get("/nowhere").await,
        visitor.get(&unknown).await,
        visitor.get("/overlay/nonsense").await,
        visitor.get("/auth/callback").await,
        streamer.browser.get("/dashboard").await,
        streamer.browser.get(&overlay).await,
        streamer.submit(&Form::default().set("left_label", "")).await,
    ];
    for page in pages {
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'"), "{page:?}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        for name in ["referrer-policy", "permissions-policy", "x-request-id"] {
            assert!(!page.header(name).is_empty(), "{name} of {page:?}");
        }
        assert_eq!(page.header("strict-transport-security"), "", "this is development");
        let is_overlay = page.body.contains("/assets/overlay.");
        assert_eq!(policy.matches("unsafe").count(), usize::from(is_overlay), "{policy}");
        let ancestors = if is_overlay { "frame-ancestors 'self'" } else { "frame-ancestors 'none'" };
        assert!(policy.contains(ancestors), "{policy}");
        assert!(!page.body.contains("style=") && !page.body.contains("<script>"), "{}", page.body);
    }
}

#[tokio::test]
async fn every_file_that_a_page_names_is_there() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let overlay = format!("/overlay/{}", streamer.overlay);
    let mut files = std::collections::BTreeSet::new();
    for page in ["/dashboard", &overlay] {
        let body = streamer.browser.get(page).await.body;
        files.extend(body.split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned));
    }
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let answer = streamer.browser.get(&file).await.expect(200);
        assert!(answer.header("cache-control").contains("immutable"), "{file}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn errors_are_pages_for_people_and_json_for_programs() {
    let server = Server::start(Setup::minimal()).await;
    let mut browser = Browser::at(&server);
    browser.get("/nowhere").await.expect_page(404);
    browser.get("/api/nowhere").await.expect_problem(404);
    browser.get("/assets/none.js").await.expect(404);
    browser.get("/api/test-vote").await.expect_problem(405);
    let problem = browser.request(Method::GET, "/nowhere").header("Accept", "application/problem+json");
    browser.send(problem).await.expect_problem(404);
    browser.post("/dashboard", &[]).await.expect_page(405);
    let json = browser.request(Method::GET, "/nowhere").header("Accept", "application/json");
    let problem = browser.send(json).await.expect_problem(404);
    assert_eq!(problem.json()["request_id"], problem.header("x-request-id"));
    let page = browser.get("/overlay/nonsense").await.expect_page(400);
    assert!(page.body.contains(page.header("x-request-id")), "the number is on the page");
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let server = Server::start(Setup::minimal()).await;
    let mut browser = Browser::at(&server);
    for path in ["/health/live", "/auth/login", "/version", "/dashboard", "/nowhere"] {
        let get = browser.get(path).await;
        let head = browser.send(browser.request(Method::HEAD, path)).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.body, "");
    }
}

#[tokio::test]
async fn a_request_can_be_followed_by_its_id() {
    let server = Server::start(Setup::minimal().set("LOG_LEVEL", "debug")).await;
    let mut browser = Browser::at(&server);
    let with = |id: &str| browser.request(Method::GET, "/version").header("X-Request-Id", id);
    let (good, malformed, long) = (with("proxy-1.a_B"), with("a b\"<"), with(&"x".repeat(129)));
    assert_eq!(browser.send(good).await.header("x-request-id"), "proxy-1.a_B");
    let given = browser.send(malformed).await.header("x-request-id").to_owned();
    assert!(given.len() == 36, "{given}");
    assert_ne!(browser.send(long).await.header("x-request-id"), "x".repeat(129));
    assert!(server.log.text().contains("proxy-1.a_B"), "it is in the log");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start(Setup::minimal()).await;
    let mut browser = Browser::at(&server);
    let with = |bytes: usize| browser.request(Method::GET, "/version").header("X-Pad", "p".repeat(bytes));
    let (fits, headers) = (with(15 * 1024), with(17 * 1024));
    browser.send(fits).await.expect(200);
    browser.send(headers).await.expect_problem(431);
    browser.get(&format!("/version?{}", "q".repeat(17 * 1024))).await.expect_problem(431);
    for kib in [33, 70, 300] {
        let mut wire = Wire::to(&server).await;
        let head = format!("GET /version?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "q".repeat(kib * 1024));
        wire.write(head.as_bytes()).await;
        let answer = wire.answer().await.expect("an answer is possible");
        assert_eq!(answer.status, 431, "{kib} KiB: {answer:?}");
        assert!(answer.text.contains("application/problem+json") && answer.text.contains("request_id"));
    }
    // Far beyond what the parser itself takes there is an answer where possible, and no harm anyway.
    let mut wire = Wire::to(&server).await;
    wire.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Pad: ").await;
    wire.write("p".repeat(1024 * 1024).as_bytes()).await;
    wire.write(b"\r\n\r\n").await;
    if let Some(answer) = wire.answer().await {
        assert!([400, 413, 414, 431].contains(&answer.status), "{answer:?}");
    }
    let many = "A: b\r\n".repeat(150);
    for (nonsense, status) in [
        ("HELLO\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        ("\0\u{1}\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n".to_owned(), 400),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"), 431),
    ] {
        let mut wire = Wire::to(&server).await;
        wire.write(nonsense.as_bytes()).await;
        let answer = wire.answer().await.expect("words, also for what no request was");
        assert_eq!(answer.status, status, "{nonsense:?}: {answer:?}");
        let id = answer.text.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id");
        assert!(answer.text.contains(&format!("\"request_id\":\"{id}\"")), "{answer:?}");
    }
    browser.get("/health/live").await.expect(200);
}

#[tokio::test]
async fn what_comes_too_slowly_is_given_up() {
    let server = Server::start_with(|port| crate::support::world::with_webhook(Setup::minimal(), port)).await;
    let slow_head = async {
        let mut wire = Wire::to(&server).await;
        let started = Instant::now();
        wire.write(b"GET /version HTTP/1.1\r\nHost: localhost\r\n").await;
        let answer = wire.answer().await;
        (answer.map(|answer| answer.status), started.elapsed())
    };
    let slow_body = async {
        let mut wire = Wire::to(&server).await;
        let started = Instant::now();
        wire.write(b"POST /webhooks/eventsub HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n")
            .await;
        // A byte now and then does not help.
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_secs(4)).await;
            wire.write(b"x").await;
        }
        let answer = wire.answer().await;
        (answer.map(|answer| answer.status), started.elapsed())
    };
    // The time is each request's own, also the second's on a connection that is kept alive.
    let slow_second_head = async {
        let mut wire = Wire::to(&server).await;
        wire.write(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
        let started = Instant::now();
        for byte in b"GET / HTTP" {
            wire.write(&[*byte]).await;
            tokio::time::sleep(Duration::from_millis(800)).await;
        }
        let answer = wire.answer().await;
        (answer.map(|answer| answer.status), started.elapsed())
    };
    let (head, body, second) = join!(slow_head, slow_body, slow_second_head);
    assert_eq!(second.0, Some(408));
    assert!((9..13).contains(&second.1.as_secs()), "{second:?}");
    assert_eq!(head.0, Some(408));
    assert!((9..13).contains(&head.1.as_secs()), "{head:?}");
    assert_eq!(body.0, Some(408));
    assert!((19..23).contains(&body.1.as_secs()), "{body:?}");
}

async fn statuses(server: &Server, path: &str, forwarded: &[&str]) -> Vec<u16> {
    let mut all = Vec::new();
    for from in forwarded {
        let request = server.http.get(server.url(path)).header("X-Forwarded-For", *from);
        let answer = Answer::of(request.send().await.unwrap()).await;
        if answer.status == 429 {
            let wait: u32 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        }
        all.push(answer.status);
    }
    all
}

fn refused(statuses: &[u16]) -> usize {
    statuses.iter().filter(|status| **status == 429).count()
}

#[tokio::test]
async fn requests_are_limited_by_address_in_bursts_of_half_a_minute() {
    let limited = || {
        let setup = Setup::minimal().set("AUTH_RATE_PER_MINUTE", "8");
        setup.set("API_RATE_PER_MINUTE", "12")
    };
    let server = Server::start(limited()).await;
    let names: Vec<String> = (0..9).map(|last| format!("203.0.113.{last}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let auth = statuses(&server, "/auth/login", &names).await;
    assert_eq!(refused(&auth), 5, "nobody's X-Forwarded-For is believed: {auth:?}");
    let api = statuses(&server, "/api/overlay-status", &names).await;
    assert_eq!(refused(&api), 3, "a bucket of its own: {api:?}");
    assert_eq!(refused(&statuses(&server, "/dashboard", &names[..1]).await), 1, "the same bucket");
    assert_eq!(refused(&statuses(&server, "/health/live", &names).await), 0);
    for spelling in ["/%61uth/login", "/aut%68/%6Cogin", "/%64ashboard", "/ap%69/overlay-status"] {
        assert_eq!(refused(&statuses(&server, spelling, &names[..1]).await), 1, "{spelling} is no side door");
    }

    let behind_proxy = Server::start(limited().set("TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.1")).await;
    let auth = statuses(&behind_proxy, "/auth/login", &names).await;
    assert_eq!(refused(&auth), 0, "each is an address of its own");
    let spoofed: Vec<String> =
        (0..6).map(|last| format!("198.51.100.{last}, 203.0.113.77, 10.0.0.1")).collect();
    let spoofed: Vec<&str> = spoofed.iter().map(String::as_str).collect();
    let auth = statuses(&behind_proxy, "/auth/login", &spoofed).await;
    assert_eq!(refused(&auth), 2, "the right-most untrusted address counts: {auth:?}");

    let unlimited =
        Server::start(limited().set("AUTH_RATE_PER_MINUTE", "0").set("API_RATE_PER_MINUTE", "0")).await;
    assert_eq!(refused(&statuses(&unlimited, "/auth/login", &[""; 40]).await), 0);
    assert_eq!(refused(&statuses(&unlimited, "/api/overlay-status", &[""; 80]).await), 0);
}

#[tokio::test]
async fn the_default_limits_are_as_promised() {
    let server = Server::start(Setup::minimal()).await;
    let auth = statuses(&server, "/auth/login", &[""; 12]).await;
    assert!((1..=2).contains(&refused(&auth)), "bursts of 10: {auth:?}");
    let api = statuses(&server, "/api/overlay-status", &[""; 64]).await;
    assert!((1..=4).contains(&refused(&api)), "bursts of 60: {}", refused(&api));
}

#[tokio::test]
async fn the_public_address_is_the_requests_own_unless_a_proxy_knows_better() {
    let shown = async |world: &World| {
        let mut streamer = world.log_in().await;
        let request = streamer.browser.request(Method::GET, "/dashboard");
        let request = request
            .header("Host", "direct.example:81")
            .header("X-Forwarded-Host", "pulse.example")
            .header("X-Forwarded-Proto", "https");
        let page = streamer.browser.send(request).await.body;
        let url = crate::support::streamer::between(&page, "data-url=\"", "/overlay/");
        url.to_owned()
    };
    // On loopback a Solo answers to its own names only.
    let everywhere = |setup: Setup| setup.set("HOST", "0.0.0.0");
    let world = World::websocket_with(everywhere).await;
    assert_eq!(shown(&world).await, "http://direct.example:81");
    let behind_proxy =
        World::websocket_with(|setup| everywhere(setup).set("TRUSTED_PROXIES", "127.0.0.0/8")).await;
    assert_eq!(shown(&behind_proxy).await, "https://pulse.example");
}
