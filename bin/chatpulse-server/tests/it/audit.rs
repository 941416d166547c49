//! The audit log: every action that matters, who did it and from where, and no secret.

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::streamer::{Form, Streamer, agree, connect_bot};
use crate::support::world::{BOT, OTHER, STREAMER, World, unhurried};

/// The audit lines so far.
fn lines(log: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "audit").collect()
}

/// Does everything that leaves a line. Returns the first overlay id, and the streamer who was logged in first.
async fn act(world: &World) -> (String, Streamer) {
    let mut streamer = world.log_in().await;
    let overlay = streamer.overlay.clone();
    streamer.save(&Form::default()).await;
    streamer.submit(&Form::default().set("left_label", "")).await.expect(422);
    streamer.submit(&Form::default().set("version", "1")).await.expect(409);
    let path = format!("/api/reset/{overlay}");
    streamer.call(&path, &Value::Null).await.expect(200);
    streamer.rotate().await;
    streamer.browser.get("/dashboard/export").await.expect(200);
    streamer.browser.post("/dashboard/config", &[]).await.expect(403);
    connect_bot(&mut Browser::at(&world.server), &world.sim, OTHER).await.expect(403);
    connect_bot(&mut Browser::at(&world.server), &world.sim, BOT).await.expect(200);
    let mut other = Browser::at(&world.server);
    let refused = agree(&mut other, &world.sim, OTHER).await;
    other.get(&refused).await.expect(403);
    other.get("/auth/callback?state=x").await.expect(400);

    let mut second = world.log_in().await;
    let csrf = second.csrf.clone();
    second.browser.post("/auth/logout", &[("csrf_token", &csrf)]).await.expect(302);
    let mut third = world.log_in().await;
    let csrf = third.csrf.clone();
    third.browser.post("/auth/logout?everywhere=1", &[("csrf_token", &csrf)]).await.expect(302);
    let mut last = world.log_in().await;
    let form = |csrf: &str| {
        [("csrf_token".to_owned(), csrf.to_owned()), ("confirm".to_owned(), "streamer".to_owned())]
    };
    let request = last.browser.request(reqwest::Method::POST, "/dashboard/delete-account");
    let request = request.header("X-Forwarded-For", "203.0.113.9").form(&form(&last.csrf));
    last.browser.send(request).await.expect(302);
    (overlay, streamer)
}

/// Action, result, reason and user of each line.
fn expected() -> [Value; 18] {
    let (login, logout) = (json!(["login", "ok", "", STREAMER]), json!(["logout", "ok", "", STREAMER]));
    [
        login.clone(),
        json!(["save", "ok", "", STREAMER]),
        json!(["save", "refused", "invalid", STREAMER]),
        json!(["save", "refused", "stale", STREAMER]),
        json!(["reset", "ok", "", STREAMER]),
        json!(["rotate", "ok", "", STREAMER]),
        json!(["export", "ok", "", STREAMER]),
        json!(["save", "refused", "csrf", STREAMER]),
        json!(["bot_role", "refused", "other_account", OTHER]),
        json!(["bot_role", "ok", "", BOT]),
        json!(["login", "refused", "not_admitted", OTHER]),
        json!(["login", "refused", "state", "unknown"]),
        login.clone(),
        logout,
        login.clone(),
        json!(["logout_everywhere", "ok", "", STREAMER]),
        login,
        json!(["delete", "ok", "", STREAMER]),
    ]
}

#[tokio::test]
async fn every_action_leaves_a_line_that_says_who_from_where_and_how_it_ended() {
    let world = World::websocket_with(|setup| {
        unhurried(setup)
            .set("LOG_FORMAT", "json")
            .set("BOT_USER_ID", BOT)
            .set("ALLOWED_STREAMERS", "streamer")
            .set("TRUSTED_PROXIES", "127.0.0.1")
    })
    .await;
    let (overlay, streamer) = act(&world).await;
    let mut server = world.server;
    assert!(server.log.says("\"action\":\"delete\"").await);
    let text = server.log.text();
    let lines = lines(&text);
    let said: Vec<Value> = lines
        .iter()
        .map(|line| json!([line["action"], line["result"], line["reason"], line["twitch.user_id"]]))
        .collect();
    assert_eq!(said, expected());
    assert!(lines.iter().all(|line| line["client.address"].as_str().is_some_and(|ip| !ip.is_empty())));
    assert_eq!(lines[0]["client.address"], "127.0.0.1");
    assert_eq!(
        lines.last().unwrap()["client.address"],
        "203.0.113.9",
        "behind a trusted proxy it is the client"
    );
    assert_eq!(lines[0]["twitch.login"], "streamer");
    let Streamer { browser, csrf, .. } = &streamer;
    for secret in [&overlay, &streamer.overlay, csrf, &browser.cookies["chatpulse_session"]] {
        assert!(!text.contains(secret.as_str()), "{secret} is in the log");
    }
}
