//! Everything that is answered below `/overlay/` shows on stream: it is small, transparent, and comes back by itself.

use std::collections::BTreeSet;

use reqwest::Method;
use uuid::Uuid;

use crate::support::browser::{Answer, Browser};
use crate::support::server::{Server, Setup};
use crate::support::wire::Wire;
use crate::support::world::World;

const UUID: &str = "8f7a0000-0000-4000-8000-000000000000";

/// Asserts what OBS needs of every page in place of an overlay.
#[track_caller]
fn assert_fit_for_the_stream(page: &Answer, what: &str) {
    let policy = page.header("content-security-policy");
    assert!(policy.contains("; style-src 'self' 'unsafe-inline';"), "{what}: {policy}");
    assert!(policy.ends_with("frame-ancestors 'self'"), "{what}: {policy}");
    assert_eq!(page.header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(page.header("cache-control"), "no-store", "{what}");
    assert!(page.header("content-type").starts_with("text/html"), "{what}: {page:?}");
    assert!(page.body.len() < 4_096, "{what}: {} bytes", page.body.len());
    assert!(
        page.body.contains("/assets/overlay.") && !page.body.contains("/assets/app."),
        "{what}: {page:?}"
    );
    assert!(page.body.contains("http-equiv=\"refresh\"") && page.body.contains("data-retry=\""), "{what}");
    assert!(page.body.contains(page.header("x-request-id")), "{what}");
}

/// Paths below `/overlay/` that lead to no overlay, and what each is answered.
fn wrong_paths() -> Vec<(String, u16)> {
    let long = "8".repeat(9_000);
    let bad_request = [
        UUID[..35].to_owned(),
        format!("{UUID}0"),
        format!("{UUID}%00x"),
        "not-a-uuid".to_owned(),
        "%FF%FE".to_owned(),
        "%zz".to_owned(),
        "%E2%98%83".to_owned(),
        "%3Cscript%3E".to_owned(),
        "{uuid}".replace(['{', '}'], "%7B"),
        "%20".to_owned(),
        long,
    ];
    let not_found =
        ["", "/", "//", &format!("{UUID}/x"), &format!("{UUID}/x/y"), "a/b", "../x"].map(str::to_owned);
    let all = bad_request.into_iter().map(|path| (path, 400));
    all.chain(not_found.into_iter().map(|path| (path, 404))).collect()
}

#[tokio::test]
async fn whatever_is_wrong_below_overlay_is_small_and_transparent() {
    let server = Server::start(Setup::minimal()).await;
    for (path, status) in wrong_paths() {
        let mut wire = Wire::to(&server).await;
        // As it is, since clients tidy up paths.
        wire.write(format!("GET /overlay/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await;
        let answer = wire.answer().await.unwrap();
        let what = format!("/overlay/{}", path.chars().take(50).collect::<String>());
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        let text = answer.text.to_ascii_lowercase();
        assert!(text.contains("style-src 'self' 'unsafe-inline';"), "{what}: {text}");
        assert!(text.contains("overlay-note") && text.contains("data-retry=\"300\""), "{what}: {text}");
        assert!(!text.contains("chatpulse-overlay"), "{what} may be right some day: {text}");
    }
    let mut browser = Browser::at(&server);
    let gone = browser.get(&format!("/overlay/{UUID}")).await.expect_page(404);
    assert_eq!(gone.header("chatpulse-overlay"), "gone");
    assert!(gone.body.contains("address changed"), "{gone:?}");
    assert_fit_for_the_stream(&gone, "an unknown overlay");
    assert_fit_for_the_stream(&browser.get("/overlay/nonsense").await.expect_page(400), "nonsense");
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let wrong = browser.request(method.clone(), &format!("/overlay/{UUID}"));
        let answer = browser.send(wrong).await.expect_page(405);
        assert_fit_for_the_stream(&answer, method.as_str());
        assert_eq!(answer.header("chatpulse-overlay"), "", "{method}");
    }
    let head = browser.request(Method::HEAD, &format!("/overlay/{UUID}"));
    let head = browser.send(head).await.expect_page(404);
    assert_eq!((head.header("chatpulse-overlay"), head.body.as_str()), ("gone", ""));
    let large = browser.request(Method::GET, "/overlay/x").header("Cookie", "c".repeat(17 * 1024));
    assert_fit_for_the_stream(&browser.send(large).await.expect_page(431), "a head of 17 KiB");
    let mut cut_off = browser.get("/overlay").await.expect_page(404);
    assert!(cut_off.body.contains("overlay-note"), "{cut_off:?}");
    cut_off = browser.get("/overlays").await.expect_page(404);
    assert!(!cut_off.body.contains("overlay-note"), "{cut_off:?}");
}

#[tokio::test]
async fn what_is_refused_unread_below_overlay_is_a_page_too() {
    let server = Server::start(Setup::minimal()).await;
    let many = "A: b\r\n".repeat(150);
    for (what, head, status) in [
        (
            "too large for the parser",
            format!("GET /overlay/x?{} HTTP/1.1\r\n\r\n", "q".repeat(40 * 1024)),
            431,
        ),
        ("too many headers", format!("GET /overlay/{UUID} HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"), 431),
        ("no header", "GET /overlay/x HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n".to_owned(), 400),
    ] {
        let mut wire = Wire::to(&server).await;
        wire.write(head.as_bytes()).await;
        let answer = wire.answer().await.expect("an answer is possible");
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        for part in ["content-type: text/html", "'unsafe-inline'", "data-retry=\"", "/assets/overlay."] {
            assert!(answer.text.contains(part), "{what} lacks {part}: {answer:?}");
        }
        let id = answer.text.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id");
        assert!(answer.text.matches(id).count() == 2, "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn a_url_that_was_pasted_with_more_around_it_leads_to_the_overlay() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let uuid = streamer.overlay.clone();
    let mut browser = Browser::at(&world.server);
    for (before, after) in [
        ("", "/"),
        ("", "//"),
        ("", "%20"),
        ("", "%0A"),
        ("", "%0D%0A"),
        ("", "%09"),
        ("", "+"),
        ("", "%2B"),
        ("", "%2F"),
        ("", "%20/%20"),
        ("", "%C2%A0"),
        ("", "%E2%80%8B"),
        ("%EF%BB%BF", ""),
        ("%20", ""),
        ("/", ""),
        ("%0A/", "/%0A"),
    ] {
        let path = format!("/overlay/{before}{uuid}{after}");
        for method in [Method::GET, Method::HEAD] {
            let pasted = browser.request(method, &path);
            let answer = browser.send(pasted).await.expect(308);
            assert_eq!(answer.location(), format!("/overlay/{uuid}"), "{path}");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        let with_query = browser.get(&format!("{path}?preview=1&a=%0Ab")).await.expect(308);
        assert_eq!(with_query.location(), format!("/overlay/{uuid}?preview=1&a=%0Ab"), "{path}");
    }
    // Nobody has this one, and only the page itself says so.
    let unknown = Uuid::new_v4();
    let answer = browser.get(&format!("/overlay/{unknown}/")).await.expect(308);
    assert_eq!(
        (answer.location(), answer.header("chatpulse-overlay")),
        (format!("/overlay/{unknown}").as_str(), "")
    );
    browser.post(&format!("/overlay/{uuid}/"), &[]).await.expect_page(405);
    // No query keeps an overlay off the stream.
    for query in ["preview=1&preview=1", "v=x", "v=1&v=2", "%ff=%zz&&=", "preview"] {
        let page = browser.get(&format!("/overlay/{uuid}?{query}")).await.expect_page(200);
        assert!(page.body.contains("data-socket="), "{query}");
    }
}

#[tokio::test]
async fn a_client_that_prefers_json_gets_it_below_overlay_too() {
    let server = Server::start(Setup::minimal()).await;
    let mut browser = Browser::at(&server);
    for (path, status, gone) in [(UUID, 404, "gone"), ("nonsense", 400, "")] {
        let json =
            browser.request(Method::GET, &format!("/overlay/{path}")).header("Accept", "application/json");
        let problem = browser.send(json).await.expect_problem(status);
        assert_eq!(problem.header("chatpulse-overlay"), gone);
    }
}

/// The class names in a page's markup.
fn classes(page: &str) -> BTreeSet<String> {
    let lists = page.split(" class=\"").skip(1).filter_map(|rest| rest.split('"').next());
    lists.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// Streamers style them by OBS's Custom CSS, so a name is a promise.
#[tokio::test]
async fn every_class_of_the_overlay_is_documented_and_no_other() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let mut browser = Browser::at(&world.server);
    let mut shown =
        classes(&browser.get(&format!("/overlay/{}", streamer.overlay)).await.expect_page(200).body);
    shown.extend(classes(&browser.get(&format!("/overlay/{UUID}")).await.expect_page(404).body));
    let large = browser.request(Method::GET, "/overlay/x").header("Cookie", "c".repeat(17 * 1024));
    shown.extend(classes(&browser.send(large).await.expect_page(431).body));
    assert!(shown.len() > 40, "{shown:?}");

    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/overlay-css.md");
    let text = std::fs::read_to_string(page).unwrap();
    let table = text.split("## Classes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" |"));
    let documented: BTreeSet<String> = rows
        .flat_map(|(cell, _)| cell.split(", ").map(|name| name.replace('`', "")).collect::<Vec<_>>())
        .collect();
    assert_eq!(documented, shown, "docs/overlay-css.md on the left, the pages on the right");
}
