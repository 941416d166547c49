//! Which messages count as votes, and the result of all others.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::chat::Line;
use crate::support::eventually;
use crate::support::streamer::Form;
use crate::support::world::{BOT, STREAMER, World};

/// A webhook server, a streamer who is logged in, and an overlay that is open.
macro_rules! watched {
    ($world:ident, $streamer:ident, $overlay:ident) => {
        watched!($world, $streamer, $overlay, |setup| setup)
    };
    ($world:ident, $streamer:ident, $overlay:ident, $change:expr) => {
        let $world = World::webhook_with($change).await;
        let mut $streamer = $world.log_in().await;
        $streamer.save(&Form::default().set("decay_speed", "0.1")).await;
        let mut $overlay = $streamer.open_overlay(&$world.server).await;
        assert_eq!($overlay.next_value().await, 0.0);
    };
}

#[tokio::test]
async fn one_chatter_has_one_vote_a_second() {
    watched!(world, _streamer, overlay);
    let began = Instant::now();
    assert_eq!(world.outcome(&Line::new("1", "yes")).await, "applied");
    assert_eq!(world.outcome(&Line::new("1", "no")).await, "debounced");
    assert_eq!(world.outcome(&Line::new("2", "yes")).await, "applied");
    overlay.shows(|value| (18.0..=20.0).contains(&value)).await;
    eventually("the second is over", async || {
        (world.outcome(&Line::new("1", "yes")).await == "applied").then_some(())
    })
    .await;
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_session_takes_so_many_votes_at_once_and_says_when_it_refuses() {
    watched!(world, streamer, overlay, |setup| setup
        .set("VOTE_RATE_LIMIT_CAPACITY", "3")
        .set("VOTE_RATE_LIMIT_RATE", "1"));
    for chatter in ["1", "2", "3"] {
        assert_eq!(world.outcome(&Line::new(chatter, "yes")).await, "applied");
    }
    assert_eq!(streamer.status().await["limited"], false);
    assert_eq!(world.outcome(&Line::new("4", "yes")).await, "rate_limited");
    overlay.shows(|value| (28.0..=30.0).contains(&value)).await;
    let dashboard = streamer.browser.get("/dashboard").await.body;
    assert!(dashboard.contains("Chat is very fast right now"));
    assert_eq!(streamer.status().await["limited"], true);
    // The streamer's own test is never refused.
    streamer.test_vote("for").await.expect(200);
}

#[tokio::test]
async fn a_capacity_of_zero_turns_the_bucket_off() {
    watched!(world, _streamer, _overlay, |setup| setup.set("VOTE_RATE_LIMIT_CAPACITY", "0"));
    for chatter in 0..120 {
        Line::new(&format!("c{chatter}"), "yes").post().send(&world.server).await.expect(204);
    }
    let metrics = world.metrics().await;
    assert_eq!(metrics.value("vote_processing_total", &[("result", "applied")]), 120.0);
}

#[tokio::test]
async fn a_message_counts_once_however_often_it_is_delivered() {
    watched!(world, _streamer, overlay);
    let first = Line::new("1", "yes");
    let post = first.post();
    assert_eq!(world.outcome_of(&post).await, "applied");
    assert_eq!(world.outcome_of(&post).await, "duplicate", "the same bytes again");
    assert_eq!(world.outcome(&first).await, "duplicate", "the same message under another transport id");
    // A message without an id of its own is known by the transport's.
    let anonymous = Line::new("2", "yes").without("message_id").post();
    assert_eq!(world.outcome_of(&anonymous).await, "applied");
    assert_eq!(world.outcome_of(&anonymous).await, "duplicate");
    // "Seen" is noted whatever became of it.
    let debounced = Line::new("1", "no");
    assert_eq!(world.outcome(&debounced).await, "debounced");
    assert_eq!(world.outcome(&debounced).await, "duplicate");
    // What matches nothing stays just that.
    let chatter = Line::new("3", "hello");
    assert_eq!(world.outcome(&chatter).await, "no_match");
    assert_eq!(world.outcome(&chatter).await, "no_match");
    overlay.shows(|value| (18.0..=20.0).contains(&value)).await;
}

#[tokio::test]
async fn twitch_repeating_itself_moves_the_bar_once() {
    for world in [World::webhook().await, World::websocket().await] {
        let streamer = world.log_in().await;
        let mut overlay = streamer.open_overlay(&world.server).await;
        assert!(world.sim.wait_until_subscribed(STREAMER, crate::support::SOON).await);
        world.sim.duplicate_deliveries(2);
        let line =
            chatpulse_twitch_sim::ChatLine::new(STREAMER, chatpulse_twitch_sim::Chatter::named("Ada"), "yes");
        assert_eq!(world.sim.say(line).await.deliveries, 3);
        overlay.shows(|value| value > 2.0).await;
        crate::support::eventually("all three were counted", async || {
            let metrics = world.metrics().await;
            (metrics.sum("vote_processing_total") > 2.5).then_some(())
        })
        .await;
        let metrics = world.metrics().await;
        let count = |result| metrics.value("vote_processing_total", &[("result", result)]);
        assert_eq!((count("applied"), count("duplicate")), (1.0, 2.0));
    }
}

#[tokio::test]
async fn texts_that_look_the_same_are_the_same() {
    watched!(world, streamer, overlay);
    streamer
        .save(
            &Form::default()
                .set("for_trigger", "Straße frei")
                .and("for_trigger", "PogChamp")
                .set("matching", "exact")
                .set("decay_speed", "0.1"),
        )
        .await;
    overlay.next_config().await;
    let yes = [
        "straße frei",
        "STRASSE FREI",
        "  Strasse \u{a0} frei  ",
        "strasse frei \u{e0000}",
        "strasse frei\u{34f}",
        "strasse\u{2060} frei \u{2800}",
        "\u{feff}strasse frei \u{200d}\u{fe0f}",
        "\u{ff33}\u{ff34}\u{ff32}\u{ff21}\u{ff33}\u{ff33}\u{ff25}\u{3000}\u{ff26}\u{ff32}\u{ff25}\u{ff29}",
        "\u{1}ACTION strasse frei\u{1}",
        "pogchamp",
    ];
    for (chatter, text) in yes.iter().enumerate() {
        let line = Line::new(&format!("y{chatter}"), text);
        assert_eq!(world.outcome(&line).await, "applied", "{text:?}");
    }
    let no = [
        "strasse frei!",
        "strassefrei",
        "strasse frei bitte",
        "\u{1}ACTION strasse frei",
        "@streamer strasse frei",
        "pog\u{200d}champ",
        "",
        "\u{e0000}",
    ];
    for (chatter, text) in no.iter().enumerate() {
        let line = Line::new(&format!("n{chatter}"), text);
        assert_eq!(world.outcome(&line).await, "no_match", "{text:?}");
    }
}

#[tokio::test]
async fn an_answer_is_read_without_the_name_it_answers() {
    watched!(world, streamer, overlay);
    streamer.save(&Form::default().set("matching", "exact")).await;
    overlay.next_config().await;
    let reply = json!({ "parent_message_id": "p", "parent_user_login": "streamer" });
    let answer = |chatter: &str, text: &str| Line::new(chatter, text).with("reply", reply.clone());
    assert_eq!(world.outcome(&answer("1", "@Streamer yes")).await, "applied");
    assert_eq!(world.outcome(&answer("2", "yes")).await, "applied");
    assert_eq!(
        world.outcome(&answer("3", "@Streamer @Other yes")).await,
        "no_match",
        "only the one leading name is dropped"
    );
    assert_eq!(world.outcome(&answer("4", "@Streamer")).await, "no_match");
}

#[tokio::test]
async fn only_this_channels_own_audience_votes() {
    watched!(world, _streamer, overlay);
    let elsewhere = Line::new("1", "yes").with("source_broadcaster_user_id", "112233");
    assert_eq!(world.outcome(&elsewhere).await, "no_match");
    let own = Line::new("2", "yes").with("source_broadcaster_user_id", STREAMER);
    assert_eq!(world.outcome(&own).await, "applied");
    assert_eq!(world.outcome(&Line::new(BOT, "yes")).await, "no_match", "the bot talks, and does not vote");
    assert_eq!(world.outcome(&Line::new(STREAMER, "yes")).await, "applied", "the streamer may vote");
    let stranger = Line::new("3", "yes").with("broadcaster_user_id", "999");
    assert_eq!(world.outcome(&stranger).await, "no_session");
    overlay.shows(|value| (18.0..=20.0).contains(&value)).await;
}

#[tokio::test]
async fn the_streamer_who_reads_the_own_chat_may_vote() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    assert!(world.sim.wait_until_subscribed(STREAMER, crate::support::SOON).await);
    let me = chatpulse_twitch_sim::SimUser::new(STREAMER, "streamer", "Streamer");
    let line = chatpulse_twitch_sim::ChatLine::new(STREAMER, (&me).into(), "yes");
    world.sim.say(line).await;
    overlay.shows(|value| value > 2.0).await;
}

#[tokio::test]
async fn a_vote_counts_for_one_side_and_every_outcome_is_counted_once() {
    watched!(world, _streamer, overlay);
    let lines = [
        Line::new("1", "yes"),
        Line::new("1", "yes"),
        Line::new("2", "no"),
        Line::new("3", "no"),
        Line::new("4", "hello"),
        Line::new("5", "yes").with("broadcaster_user_id", "999"),
        Line::new("6", "yes").with("message", json!(7)),
    ];
    for line in &lines {
        line.post().send(&world.server).await.expect(204);
    }
    let stale = Line::new("7", "yes").post().sent_before(Duration::from_secs(700));
    stale.send(&world.server).await.expect(204);
    overlay.shows(|value| (-10.0..=-8.0).contains(&value)).await;
    let metrics = world.metrics().await;
    let count = |result| metrics.value("vote_processing_total", &[("result", result)]);
    let counted = ["applied", "debounced", "no_match", "no_session", "malformed", "stale"].map(count);
    assert_eq!(counted, [3.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(metrics.sum("vote_processing_total"), 8.0, "all outcomes add up");
    assert_eq!(metrics.value("vote_processing_duration_seconds_count", &[]), 8.0);
    let matches = |side| metrics.value("vote_trigger_matches_total", &[("trigger_type", side)]);
    assert_eq!((matches("for"), matches("against")), (2.0, 2.0));
}

#[tokio::test]
async fn a_chat_that_nobody_watches_casts_no_votes() {
    let world = World::webhook().await;
    let mut streamer = world.log_in().await;
    streamer.save(&Form::default()).await;
    assert_eq!(world.outcome(&Line::new("1", "yes")).await, "no_session");
    streamer.test_vote("for").await.expect_problem(409);
    streamer.test_vote("sideways").await.expect_problem(400);
    let _overlay = streamer.open_overlay(&world.server).await;
    assert_eq!(
        world.outcome(&Line::new("1", "yes")).await,
        "applied",
        "that nobody watched is not remembered"
    );
}
