//! Moderator commands from chat.

use chatpulse_twitch_sim::{Badge, ChatLine, Chatter, Sim};
use serde_json::Value;

use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::overlay::Overlay;
use crate::support::streamer::{Form, Streamer};
use crate::support::world::{STREAMER, Way, World, by_both_ways};
use crate::support::{SOON, eventually};

by_both_ways! { moderators_reset_pause_and_hide_and_nobody_else_does }

async fn say(sim: &Sim, chatter: Chatter, text: &str) {
    assert_eq!(sim.say(ChatLine::new(STREAMER, chatter, text)).await.deliveries, 1);
}

fn with_badge(name: &str, badge: &str) -> Chatter {
    Chatter { badges: vec![Badge::new(badge, "1", "")], ..Chatter::named(name) }
}

fn moderator() -> Chatter {
    with_badge("Mod", "moderator")
}

async fn reading(world: &World) -> (Streamer, Overlay) {
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    streamer.chat_becomes("reading").await;
    assert!(world.sim.wait_until_subscribed(STREAMER, SOON).await);
    (streamer, overlay)
}

/// Waits until the overlay is told this about its stage.
async fn told(overlay: &mut Overlay, paused: bool, hidden: bool) -> Value {
    loop {
        let config = overlay.next_config().await;
        if config["paused"] == paused && config["hidden"] == hidden {
            return config;
        }
    }
}

async fn counted(world: &World, result: &str) -> f64 {
    world.metrics().await.value("vote_processing_total", &[("result", result)])
}

async fn moderators_reset_pause_and_hide_and_nobody_else_does(way: Way) {
    let world = World::by(way).await;
    let (mut streamer, mut overlay) = reading(&world).await;
    let sim = &world.sim;
    say(sim, Chatter::named("Ann"), "yes").await;
    overlay.shows(|value| value > 5.0).await;
    // Anybody may type it.
    say(sim, Chatter::named("Bob"), "!pulse reset").await;
    say(sim, with_badge("Cid", "vip"), "!pulse hide").await;
    say(sim, moderator(), "  !PULSE  reset ").await;
    overlay.shows(|value| value == 0.0).await;
    say(sim, moderator(), "!pulse pause").await;
    told(&mut overlay, true, false).await;
    say(sim, Chatter::named("Dan"), "yes").await;
    eventually("the vote was heard", async || (counted(&world, "paused").await == 1.0).then_some(())).await;
    assert_eq!(counted(&world, "applied").await, 1.0);
    let broadcaster = with_badge("Streamer", "broadcaster");
    say(sim, broadcaster, "!pulse hide").await;
    told(&mut overlay, true, true).await;
    let page = streamer.browser.get("/dashboard").await.expect(200).body;
    assert!(
        page.contains("data-pause-notice=\"paused\">") && page.contains("data-pause-notice=\"hidden\">"),
        "both are shown"
    );
    let status = streamer.status().await;
    assert_eq!((&status["paused"], &status["hidden"]), (&true.into(), &true.into()));

    // A page that was opened before is not old for that, and saving undoes nothing.
    streamer.save(&Form::default().set("version", "1").set("left_label", "Nope")).await;
    let config = told(&mut overlay, true, true).await;
    assert_eq!(config["left_label"], "Nope");
    say(sim, moderator(), "!pulse resume").await;
    told(&mut overlay, false, true).await;
    say(sim, moderator(), "!pulse show").await;
    told(&mut overlay, false, false).await;
    // Twitch sends what was not answered in time again: it was run.
    assert_eq!(sim.resend_last().await, 1);
    say(sim, moderator(), "!pulse hide").await;
    told(&mut overlay, false, true).await;
    assert_eq!(sim.resend_last().await, 1);
    say(sim, moderator(), "!pulse show").await;
    told(&mut overlay, false, false).await;
    say(sim, Chatter::named("Eve"), "yes").await;
    overlay.shows(|value| value > 5.0).await;
}

#[tokio::test]
async fn a_streamer_may_turn_the_commands_off() {
    let world = World::by(Way::Webhook).await;
    let (mut streamer, mut overlay) = reading(&world).await;
    streamer.save(&Form::default().set("boxes", "1").set("hint", "on")).await;
    overlay.next_config().await;
    let command =
        |text: &str| Line::new("mod", text).with("badges", serde_json::json!([{ "set_id": "moderator" }]));
    assert_eq!(world.outcome(&Line::new("1", "yes")).await, "applied");
    overlay.shows(|value| value > 5.0).await;
    assert_eq!(world.outcome(&command("!pulse hide")).await, "no_match");
    streamer.save(&Form::default().set("mod_commands", "on")).await;
    assert_eq!(overlay.next_config().await["hidden"], false, "it was just a line of chat");
    assert_eq!(world.outcome(&command("！pulse hide")).await, "no_match");
    told(&mut overlay, false, true).await;
}

#[tokio::test]
async fn a_pause_outlives_the_session_and_counts_at_every_instance() {
    let short = |name: &'static str| move |setup: crate::support::server::Setup| setup.set(name, "200ms");
    let fleet = Fleet::start_with(|setup| short("ORPHAN_MAX_AGE")(short("CLEANUP_INTERVAL")(setup))).await;
    let streamer = fleet.log_in().await;
    let mut overlay = streamer.open_overlay(&fleet.instances[0]).await;
    overlay.next_value().await;
    assert!(fleet.sim.wait_until_subscribed(STREAMER, SOON).await);
    say(&fleet.sim, moderator(), "!pulse pause").await;
    told(&mut overlay, true, false).await;
    overlay.close().await;
    eventually("the session was cleaned up", async || {
        crate::support::live::session_keys(&fleet.redis, &streamer.overlay).is_empty().then_some(())
    })
    .await;
    let mut overlay = streamer.open_overlay(&fleet.instances[1]).await;
    overlay.next_value().await;
    Line::new("ann", "yes").post().send(&fleet.instances[2]).await.expect(204);
    eventually("the vote was heard", async || (fleet.counted("paused").await == 1.0).then_some(())).await;
    assert_eq!(fleet.counted("applied").await, 0.0);
}

fn command(text: &str) -> Line {
    Line::new("mod", text).with("badges", serde_json::json!([{ "set_id": "moderator" }]))
}

/// The scene with the bar is not shown just now, say.
#[tokio::test]
async fn a_command_that_comes_while_no_overlay_is_open_is_obeyed_all_the_same() {
    let world = World::by_with(Way::Webhook, |setup| {
        setup.set("ORPHAN_MAX_AGE", "100ms").set("CLEANUP_INTERVAL", "100ms")
    })
    .await;
    let (mut streamer, overlay) = reading(&world).await;
    overlay.close().await;
    let line = || Line::new("Ann", "yes");
    eventually("the session was cleaned up", async || {
        (world.outcome(&line()).await == "no_session").then_some(())
    })
    .await;
    assert_eq!(world.outcome(&command("!pulse pause")).await, "no_session");
    let paused = "data-pause-notice=\"paused\">";
    eventually("it is done", async || {
        streamer.browser.clone().get("/dashboard").await.body.contains(paused).then_some(())
    })
    .await;
    let overlay = streamer.open_overlay(&world.server).await;
    assert_eq!(world.outcome(&line()).await, "paused");

    // Where the streamer has turned commands off they are words, whoever watches.
    streamer.save(&Form::default().set("boxes", "1")).await;
    drop(overlay);
    eventually("the session was cleaned up", async || {
        (world.outcome(&line()).await == "no_session").then_some(())
    })
    .await;
    world.outcome(&command("!pulse hide")).await;
    // Commands are run one after the other.
    streamer.save(&Form::default().set("boxes", "1").set("mod_commands", "on")).await;
    world.outcome(&command("!pulse resume")).await;
    eventually("the next one is done", async || {
        (!streamer.browser.clone().get("/dashboard").await.body.contains(paused)).then_some(())
    })
    .await;
    assert!(!streamer.browser.get("/dashboard").await.body.contains("data-pause-notice=\"hidden\">"));
}

#[tokio::test]
async fn a_vote_that_came_during_a_pause_does_not_count_when_it_is_delivered_again() {
    let world = World::by(Way::Webhook).await;
    let (_streamer, mut overlay) = reading(&world).await;
    world.outcome(&command("!pulse pause")).await;
    told(&mut overlay, true, false).await;
    let line = Line::new("Ann", "yes");
    assert_eq!(world.outcome_of(&line.post()).await, "paused");
    world.outcome(&command("!pulse resume")).await;
    told(&mut overlay, false, false).await;
    assert_eq!(world.outcome_of(&line.post()).await, "duplicate");
    assert_eq!(world.outcome(&Line::new("Ann", "yes")).await, "applied");
}

#[tokio::test]
async fn a_command_waits_for_a_database_that_is_away_for_a_moment() {
    let mut fleet = Fleet::start_with(|setup| setup).await;
    let streamer = fleet.log_in().await;
    let mut overlay = streamer.open_overlay(&fleet.instances[0]).await;
    overlay.next_value().await;
    assert!(fleet.sim.wait_until_subscribed(STREAMER, SOON).await);
    fleet.postgres.stop();
    command("!pulse pause").post().send(&fleet.instances[0]).await.expect(204);
    assert!(fleet.instances[0].log.says("failed to run a moderator command; trying again").await);
    fleet.postgres.restart();
    told(&mut overlay, true, false).await;
}

/// Also while chat is not read, or nobody listens to moderators any more.
#[tokio::test]
async fn a_streamer_undoes_on_the_dashboard_what_moderators_did() {
    let world = World::by(Way::Webhook).await;
    let (mut streamer, mut overlay) = reading(&world).await;
    for command in ["pause", "hide"] {
        say(&world.sim, moderator(), &format!("!pulse {command}")).await;
    }
    told(&mut overlay, true, true).await;
    let press = async |streamer: &mut Streamer, command: &str, csrf: &str| {
        let fields = [("csrf_token", csrf), ("order", command)];
        let request = streamer.browser.request(reqwest::Method::POST, "/dashboard/stage").form(&fields);
        streamer.browser.send(request).await
    };
    let csrf = streamer.csrf.clone();
    press(&mut streamer, "resume", "wrong").await.expect_page(403);
    press(&mut streamer, "dance", &csrf).await.expect_page(400);
    press(&mut streamer, "resume", &csrf).await.leads_to("/dashboard");
    told(&mut overlay, false, true).await;
    streamer.save(&Form::default().set("boxes", "1")).await;
    told(&mut overlay, false, false).await;
}
