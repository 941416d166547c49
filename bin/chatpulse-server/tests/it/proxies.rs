//! What stands in front of the server: limits for everybody, and proxies that are set up wrong.

use reqwest::Method;

use crate::support::browser::{Answer, Browser};
use crate::support::server::{Server, Setup};
use crate::support::streamer::Streamer;
use crate::support::wire::Wire;
use crate::support::world::World;

async fn dashboard(streamer: &mut Streamer) -> String {
    streamer.browser.get("/dashboard").await.expect(200).body
}

#[tokio::test]
async fn overlay_pages_health_and_metrics_share_a_limit_of_ten_times_the_api() {
    let server = Server::start(Setup::minimal().set("API_RATE_PER_MINUTE", "4")).await;
    let mut browser = Browser::at(&server);
    let overlay = format!("/overlay/{}", uuid::Uuid::new_v4());
    let paths = ["/health/live", "/health/ready", "/health/serving", "/metrics", overlay.as_str()];
    let mut answers: Vec<Answer> = Vec::new();
    for path in paths.iter().cycle().take(20) {
        answers.push(browser.get(path).await);
    }
    assert!(answers.iter().all(|answer| answer.status != 429), "half a minute's worth at once");
    for path in paths {
        let refused = browser.get(path).await.expect(429);
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0, "{refused:?}");
    }
    // The webhook and the pages have nothing to do with it.
    browser.get("/auth/login").await.expect(200);
    browser.post("/webhooks/eventsub", &[]).await.expect(404);

    let server = Server::start(Setup::minimal().set("API_RATE_PER_MINUTE", "0")).await;
    let mut browser = Browser::at(&server);
    for _ in 0..60 {
        browser.get("/health/live").await.expect(200);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_said_once_and_shown() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    assert!(!dashboard(&mut streamer).await.contains("data-proxy-notice"));
    for _ in 0..5 {
        let request = streamer.browser.request(Method::GET, "/dashboard");
        let page =
            streamer.browser.send(request.header("X-Forwarded-For", "203.0.113.9")).await.expect(200).body;
        assert!(page.contains("data-proxy-notice=\"untrusted\"") && page.contains("127.0.0.0/24"), "{page}");
    }
    assert!(dashboard(&mut streamer).await.contains("data-proxy-notice=\"untrusted\""));
    let log = world.server.log.text();
    assert_eq!(log.matches("is not in TRUSTED_PROXIES").count(), 1, "{log}");
    assert!(log.contains("TRUSTED_PROXIES=127.0.0.0/24"), "{log}");

    let world = World::websocket_with(|setup| setup.set("TRUSTED_PROXIES", "127.0.0.1")).await;
    let mut streamer = world.log_in().await;
    let request = streamer.browser.request(Method::GET, "/dashboard");
    let page = streamer.browser.send(request.header("X-Forwarded-For", "203.0.113.9")).await.expect(200).body;
    assert!(!page.contains("data-proxy-notice"));
    assert!(!world.server.log.text().contains("TRUSTED_PROXIES"));
}

#[tokio::test]
async fn a_proxy_that_drops_upgrade_is_said_and_shown_until_it_is_right() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    for _ in 0..3 {
        let mut wire = Wire::to(&world.server).await;
        let handshake = format!(
            "GET /ws/overlay/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            streamer.overlay
        );
        wire.write(handshake.as_bytes()).await;
        assert_eq!(wire.answer().await.unwrap().status, 400);
    }
    assert!(dashboard(&mut streamer).await.contains("data-proxy-notice=\"upgrade\""));
    let log = world.server.log.text();
    assert_eq!(log.matches("drops the header Upgrade").count(), 1, "{log}");
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    assert!(!dashboard(&mut streamer).await.contains("data-proxy-notice"));
}
