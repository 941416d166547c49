//! Where a streamer is logged in: the list, its end, and what an old login may not do.

use std::time::Duration;

use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::LoginSession;
use chatpulse_domain::ports::login_sessions::LoginSessions as _;
use chatpulse_domain::time::Timestamp;
use chatpulse_store_embedded::{SqliteFile, SqliteLoginSessions};
use reqwest::Method;

use crate::support::browser::{Answer, Browser};
use crate::support::server::Server;
use crate::support::streamer::{Streamer, agree, between};
use crate::support::world::{OTHER, STREAMER, World, unhurried};

const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0";

/// The dashboard's list: what to send, and the words of each row.
async fn list(streamer: &mut Streamer) -> Vec<(String, String)> {
    let page = streamer.browser.get("/dashboard").await.expect(200).body;
    let list = between(&page, "<ul class=\"login-list\">", "</ul>").to_owned();
    let rows = list.split("<li ").skip(1);
    rows.map(|row| (between(row, "name=\"login\" value=\"", "\"").to_owned(), row.to_owned())).collect()
}

async fn end(streamer: &mut Streamer, login: &str) -> Answer {
    let csrf = streamer.csrf.clone();
    streamer.browser.post("/dashboard/end-login", &[("csrf_token", &csrf), ("login", login)]).await
}

#[tokio::test]
async fn every_login_is_listed_and_can_be_ended_alone() {
    let world = World::websocket_with(unhurried).await;
    let mut other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    let mut streamer = world.log_in().await;
    let mut elsewhere = Browser::at(&world.server);
    let callback = agree(&mut elsewhere, &world.sim, STREAMER).await;
    let request = elsewhere.request(Method::GET, &callback).header("User-Agent", FIREFOX);
    elsewhere.send(request).await.leads_to("/dashboard");

    let rows = list(&mut streamer).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].1.contains("Firefox on Windows") && !rows[0].1.contains("This browser"), "{rows:?}");
    assert!(rows[1].1.contains("Unknown browser") && rows[1].1.contains("This browser"), "{rows:?}");
    assert!(rows[1].1.contains(" UTC"));
    let cookie = &streamer.browser.cookies["chatpulse_session"];
    assert!(rows.iter().all(|(_, row)| !row.contains(cookie.as_str())));

    // Not without the page's token, and nobody else's.
    streamer.browser.post("/dashboard/end-login", &[("login", &rows[0].0)]).await.expect_page(403);
    end(&mut other, &rows[0].0).await.leads_to("/dashboard");
    end(&mut streamer, "nonsense").await.leads_to("/dashboard");
    elsewhere.get("/dashboard").await.expect(200);
    let csrf = streamer.csrf.clone();
    streamer.browser.post("/dashboard/end-login", &[("csrf_token", &csrf)]).await.expect_page(400);

    end(&mut streamer, &rows[0].0).await.leads_to("/dashboard");
    elsewhere.get("/dashboard").await.leads_to("/auth/login");
    assert_eq!(list(&mut streamer).await.len(), 1);
    let gone = end(&mut streamer, &rows[1].0).await.leads_to("/auth/login");
    assert_eq!(gone.header("clear-site-data"), "\"storage\"");
    streamer.browser.get("/dashboard").await.leads_to("/auth/login");
    other.browser.get("/dashboard").await.expect(200);
    other.browser.post("/dashboard/end-login", &[]).await.expect_page(403);
    Browser::at(&world.server).post("/dashboard/end-login", &[]).await.leads_to("/auth/login");
}

#[tokio::test]
async fn logging_out_leaves_nothing_in_the_browser() {
    let world = World::websocket_with(unhurried).await;
    let mut streamer = world.log_in().await;
    // A second login is under way.
    agree(&mut streamer.browser, &world.sim, STREAMER).await;
    let before: Vec<String> = streamer.browser.cookies.keys().cloned().collect();
    assert!(before.len() >= 2, "{before:?}");
    let csrf = streamer.csrf.clone();
    let answer = streamer.browser.post("/auth/logout", &[("csrf_token", &csrf)]).await;
    let answer = answer.leads_to("/auth/login");
    let clear: Vec<_> = answer.headers.get_all("clear-site-data").iter().collect();
    assert_eq!(clear, ["\"storage\""]);
    for name in before {
        let ended = answer.set_cookies().into_iter().find(|cookie| cookie.starts_with(&format!("{name}=;")));
        assert!(ended.is_some_and(|cookie| cookie.contains("Max-Age=0")), "{name}: {answer:?}");
    }
    assert!(streamer.browser.cookies.is_empty(), "{:?}", streamer.browser.cookies);
}

/// Changes when the streamer's logins began, while no server runs.
async fn began(server: Server, before: Option<Duration>) -> Server {
    let setup = server.setup().clone();
    server.stop().await;
    let file = SqliteFile::open(setup.folder().join("data/chatpulse.db")).await.unwrap();
    let logins = SqliteLoginSessions::new(file.clone());
    let now = Timestamp::from(std::time::SystemTime::now());
    let started_at = before.map(|before| now.minus(before));
    let streamers: Vec<StreamerId> = logins.streamers(now).await.unwrap();
    for session in logins.all_of(streamers[0], now).await.unwrap() {
        logins.end(session.hash).await.unwrap();
        logins.begin(&LoginSession { started_at, ..session }).await.unwrap();
    }
    file.close().await;
    Server::start(setup).await
}

#[tokio::test]
async fn an_old_login_deletes_no_account() {
    let world = World::websocket_with(unhurried).await;
    let mut streamer = world.log_in().await;
    let mut server = world.server;
    for before in [Some(Duration::from_secs(601)), None] {
        server = began(server, before).await;
        streamer.browser = streamer.browser.moved_to(&server);
        let page = streamer.browser.get("/dashboard").await.expect(200).body;
        assert!(!page.contains("/dashboard/delete-account"), "the page asks for a login first");
        let fields = [("csrf_token", streamer.csrf.as_str()), ("confirm", "streamer")];
        let refused = streamer.browser.post("/dashboard/delete-account", &fields).await.expect_page(403);
        assert!(refused.body.contains("href=\"/auth/start\""), "{}", refused.body);
    }
    server = began(server, Some(Duration::from_mins(9))).await;
    let mut streamer = Streamer::at_dashboard(streamer.browser.moved_to(&server)).await;
    let fields = [("csrf_token", streamer.csrf.as_str()), ("confirm", "streamer")];
    let gone = streamer.browser.post("/dashboard/delete-account", &fields).await;
    let gone = gone.leads_to("/auth/login?notice=deleted");
    assert_eq!(gone.header("clear-site-data"), "\"storage\"");
}
