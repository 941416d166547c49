//! Webhook requests from Twitch and from others, and the responses.

use std::time::Duration;

use serde_json::json;

use crate::support::chat::{Line, Post, Signature, chat_subscription, now};
use crate::support::server::{Server, Setup};
use crate::support::wire::Wire;
use crate::support::world::{STREAMER, World};

/// Only the webhook matters: Twitch itself is out of reach.
async fn gate() -> Server {
    gate_with(|setup| setup).await
}

async fn gate_with(change: impl Fn(Setup) -> Setup) -> Server {
    Server::start_with(|port| change(crate::support::world::with_webhook(Setup::minimal(), port))).await
}

/// Spoils a request.
type Break = fn(&mut Post);

fn challenge(body: &serde_json::Value) -> Post {
    Post::new("webhook_callback_verification", body.to_string())
}

#[tokio::test]
async fn without_the_webhook_group_there_is_no_webhook() {
    let server = Server::start(Setup::minimal()).await;
    Line::new("1", "yes").post().send(&server).await.expect_problem(404);
}

#[tokio::test]
async fn bodies_up_to_64_kib_are_read() {
    let server = gate().await;
    let body = |bytes: usize| {
        let mut body = json!({ "subscription": chat_subscription("enabled"), "pad": "" }).to_string();
        let pad = "x".repeat(bytes - body.len());
        body = body.replace("\"pad\":\"\"", &format!("\"pad\":\"{pad}\""));
        assert_eq!(body.len(), bytes);
        body
    };
    let post = |bytes| Post::notification("stream.online", body(bytes));
    post(64 * 1024).send(&server).await.expect(204);
    post(64 * 1024 + 1).send(&server).await.expect_problem(413);
    // Without an announced length it is counted while it comes, and nothing else is looked at before.
    let mut wire = Wire::to(&server).await;
    wire.write(b"POST /webhooks/eventsub HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    for _ in 0..9 {
        wire.write(format!("2000\r\n{}\r\n", "y".repeat(0x2000)).as_bytes()).await;
    }
    wire.write(b"0\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().status, 413);
}

#[tokio::test]
async fn every_needed_header_has_to_be_there_and_well_formed() {
    let server = gate().await;
    let good = Line::new("1", "yes").post();
    let broken: [(&str, Break); 8] = [
        ("no id", |post| post.message_id = None),
        ("empty id", |post| post.message_id = Some(String::new())),
        ("no timestamp", |post| post.timestamp = None),
        ("no date", |post| post.timestamp = Some("yesterday".to_owned())),
        ("a number", |post| post.timestamp = Some("1789911966".to_owned())),
        ("no type", |post| post.message_type = None),
        ("no signature", |post| post.signature = Signature::Missing),
        ("spaces in the id", |post| {
            post.message_id = Some("a b".to_owned());
        }),
    ];
    for (what, break_it) in broken {
        let mut post = good.clone();
        break_it(&mut post);
        assert_eq!(post.send(&server).await.status, 400, "{what}");
    }
    // The subscription headers are not needed: the body says what it is.
    let mut bare = good;
    bare.subscription_type = None;
    bare.send(&server).await.expect(204);
    let metrics = crate::support::metrics::Metrics::of(&server).await;
    assert_eq!(metrics.sum("vote_processing_total"), 1.0, "only the last one got through");
}

#[tokio::test]
async fn a_wrong_signature_of_any_shape_is_refused_and_harms_nothing() {
    let mut server = gate().await;
    let post = Line::new("1", "yes").post();
    let good = post.good_signature();
    let digits = good.strip_prefix("sha256=").unwrap().to_owned();
    let mut wrong: Vec<String> = (0..=good.len() + 3)
        .filter(|length| *length != good.len())
        .map(|length| format!("{good}000").chars().take(length).collect())
        .collect();
    wrong.extend((0..80).map(|length| format!("sha256={}", "f".repeat(length))));
    wrong.extend([
        digits.clone(),
        format!("sha1={digits}"),
        format!("SHA256={digits}"),
        format!("sha256={}", digits.replace(|c: char| c.is_ascii_digit(), "g")),
        format!("sha256= {digits}"),
        format!("sha256={}", "é".repeat(32)),
        format!("sha256={}", "+f".repeat(32)),
    ]);
    for signature in wrong {
        let sent = Post { signature: Signature::Given(signature.clone()), ..post.clone() };
        let answer = sent.send(&server).await;
        assert_eq!(answer.status, 403, "{signature:?}");
    }
    for change in [
        |post: &mut Post| post.body.push(b' '),
        |post: &mut Post| post.timestamp = Some(now()),
        |post: &mut Post| post.message_id = Some("another".to_owned()),
    ] {
        let mut other = post.clone();
        other.signature = Signature::Given(good.clone());
        change(&mut other);
        other.send(&server).await.expect_problem(403);
    }
    let stranger = Post { secret: "not the secret".to_owned(), ..post.clone() };
    stranger.send(&server).await.expect(403);
    // Either case of the digits is fine.
    let upper = Post { signature: Signature::Given(format!("sha256={}", digits.to_uppercase())), ..post };
    upper.send(&server).await.expect(204);
    assert!(server.is_running());
    assert!(!server.log.text().contains("panick"), "{}", server.log.text());
}

#[tokio::test]
async fn an_earlier_secret_counts_while_it_is_changed() {
    const OLD: &str = "the secret before this one";
    let server = gate_with(|setup| setup.set("WEBHOOK_SECRET_OLD", OLD)).await;
    for secret in [OLD, crate::support::world::SECRET] {
        let post = Post { secret: secret.to_owned(), ..Line::new("1", "yes").post() };
        post.send(&server).await.expect(204);
    }
    let post = Post { secret: "the secret before that".to_owned(), ..Line::new("1", "yes").post() };
    post.send(&server).await.expect(403);
}

#[tokio::test]
async fn a_challenge_is_echoed_exactly_whatever_its_shape_and_age() {
    let server = gate().await;
    let of_subscription = json!({
        "challenge": "pogchamp-kappa-1",
        "subscription": chat_subscription("webhook_callback_verification_pending"),
    });
    let of_shard = json!({
        "challenge": " a b\t<é>\"\n",
        "conduit_shard": { "conduit_id": "3f1c2a87", "shard": "42" },
    });
    for body in [of_subscription, of_shard] {
        let post = challenge(&body);
        let ages = [Duration::ZERO, Duration::from_hours(1), Duration::ZERO];
        for post in ages.map(|age| post.clone().sent_before(age)) {
            let answer = post.send(&server).await.expect(200);
            assert_eq!(answer.body, body["challenge"].as_str().unwrap());
            assert_eq!(answer.header("content-type").split(';').next(), Some("text/plain"));
            assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        }
    }
    challenge(&json!({ "no": "challenge" })).send(&server).await.expect(204);
}

#[tokio::test]
async fn with_a_good_signature_nothing_is_an_error() {
    let world = World::webhook().await;
    let streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    let line = || Line::new("1", "yes").post();
    let ahead = Post { timestamp: Some("2199-01-01T00:00:00Z".to_owned()), ..line() };
    assert_eq!(world.outcome_of(&ahead).await, "stale");
    let late = line().sent_before(Duration::from_secs(601));
    assert_eq!(world.outcome_of(&late).await, "stale");
    for body in ["", "{", "null", "[]", "\u{1}", "{\"event\":{}}", "{\"event\":{\"message\":\"yes\"}}"] {
        let post = Post::notification("channel.chat.message", body);
        assert_eq!(world.outcome_of(&post).await, "malformed", "{body:?}");
    }
    let not_text = Post::notification("channel.chat.message", vec![0xff, 0xfe, 0x00]);
    assert_eq!(world.outcome_of(&not_text).await, "malformed");
    let nearly_late = line().sent_before(Duration::from_secs(590));
    assert_eq!(world.outcome_of(&nearly_late).await, "applied");
    Post::new("brand_new_kind", "{}").send(&world.server).await.expect(204);
    let counted =
        async || world.metrics().await.value("eventsub_notifications_total", &[("type", "revocation")]);
    assert_eq!(counted().await, 0.0);
    Post::new("revocation", "not json").send(&world.server).await.expect(204);
    Post::new("revocation", "{}").sent_before(Duration::from_hours(1)).send(&world.server).await.expect(204);
    assert_eq!(counted().await, 2.0, "also without effect");
    let said = |log: &str, words: &str| log.lines().filter(|line| line.contains(words)).count();
    let log = world.server.log.text();
    assert_eq!(said(&log, "ten minutes off"), 1, "once a minute: {log}");
    assert_eq!(said(&log, "it cannot be read"), 1, "once a minute: {log}");
    overlay.shows(|value| (5.0..=10.0).contains(&value)).await;
}

#[tokio::test]
async fn other_notifications_are_counted_by_type_and_unknown_ones_together() {
    let server = gate().await;
    let event = json!({ "subscription": {}, "event": { "broadcaster_user_id": STREAMER } });
    let kinds = [
        "stream.online",
        "stream.offline",
        "user.authorization.grant",
        "user.authorization.revoke",
        "conduit.shard.disabled",
        "channel.chat.message_delete",
        "channel.chat.clear_user_messages",
        "channel.chat.clear",
        "channel.something.new",
        "user\"}injected{x=\"",
    ];
    for kind in kinds {
        Post::notification(kind, event.to_string()).send(&server).await.expect(204);
    }
    let metrics = crate::support::metrics::Metrics::of(&server).await;
    let count = |kind| metrics.value("eventsub_notifications_total", &[("type", kind)]);
    assert_eq!((count("stream.online"), count("channel.chat.clear")), (1.0, 1.0));
    assert_eq!(count("other"), 2.0);
    assert_eq!(metrics.sum("eventsub_notifications_total"), 10.0);
    assert_eq!(metrics.sum("vote_processing_total"), 0.0);
}

#[tokio::test]
async fn a_revocation_that_is_delivered_again_takes_nothing_away_again() {
    let world = World::webhook().await;
    let mut streamer = world.log_in().await;
    let _overlay = streamer.open_overlay(&world.server).await;
    streamer.chat_becomes("reading").await;
    let body = json!({ "subscription": chat_subscription("user_removed") });
    let revocation = Post::new("revocation", body.to_string());
    revocation.send(&world.server).await.expect(204);
    streamer.chat_becomes("not_authorized").await;
    let mut again = world.log_in().await;
    again.chat_becomes("reading").await;
    revocation.send(&world.server).await.expect(204);
    assert_eq!(again.status().await["chat"], "reading");
    let metrics = world.metrics().await;
    assert_eq!(metrics.value("eventsub_notifications_total", &[("type", "revocation")]), 2.0);
}
