//! The settings form: what is saved, what is rejected, and which clients are notified.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::browser::Answer;
use crate::support::chat::Line;
use crate::support::server::Server;
use crate::support::streamer::{Form, Streamer, between};
use crate::support::world::World;

fn problem_beside<'a>(page: &'a str, field: &str) -> &'a str {
    let line = between(page, &format!("data-below=\"{field}\""), "</p>");
    line.split_once('>').unwrap().1
}

/// Bytes that are no text are that field's problem, and nothing is saved.
#[tokio::test]
async fn bytes_that_are_no_text_are_refused_beside_their_field() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let csrf = streamer.csrf.clone();
    let good = [
        ("for_trigger", "yes"),
        ("against_trigger", "no"),
        ("left_label", "L"),
        ("right_label", "R"),
        ("decay_speed", "0.5"),
        ("csrf_token", &csrf),
    ];
    for field in ["for_trigger", "left_label", "decay_speed"] {
        let body: Vec<String> = good
            .iter()
            .map(
                |(name, value)| {
                    if *name == field { format!("{name}=%FF%FE") } else { format!("{name}={value}") }
                },
            )
            .collect();
        let request = streamer.browser.request(Method::POST, "/dashboard/config");
        let request =
            request.header("Content-Type", "application/x-www-form-urlencoded").body(body.join("&"));
        let page = streamer.browser.send(request).await.expect_page(422).body;
        assert!(!problem_beside(&page, field).is_empty(), "{field}");
    }
}

#[tokio::test]
async fn a_new_streamer_finds_the_defaults() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let page = streamer.browser.get("/dashboard").await.expect(200).body;
    for field in [
        "name=\"for_trigger\" value=\"yes\"",
        "name=\"against_trigger\" value=\"no\"",
        "name=\"left_label\" value=\"Against\"",
        "name=\"right_label\" value=\"For\"",
        "value=\"0.5\"",
    ] {
        assert!(page.contains(field), "{field}");
    }
    assert!(page.contains(&format!("{}/overlay/{}", world.server.base, streamer.overlay)));
}

#[tokio::test]
async fn saving_is_said_once_and_kept() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let form = Form::default()
        .set("for_trigger", "  Ja  ")
        .and("for_trigger", "JA")
        .and("for_trigger", "")
        .and("for_trigger", "jo")
        .set("left_label", " <b>Nö</b> & \"so\" ")
        .set("decay_speed", "1.25");
    streamer.submit(&form).await.leads_to("/dashboard");
    let page = streamer.browser.get("/dashboard").await.expect(200).body;
    assert!(page.contains("data-notice=\"saved\""));
    assert!(page.contains("name=\"for_trigger\" value=\"Ja\""));
    assert!(page.contains("name=\"for_trigger\" value=\"jo\""));
    assert!(!page.contains("value=\"JA\""), "a repeat is dropped");
    assert!(page.contains("value=\"&lt;b&gt;Nö&lt;/b&gt; &amp; &quot;so&quot;\""));
    assert!(!page.contains("<b>Nö"));
    let again = streamer.browser.get("/dashboard").await.expect(200).body;
    assert!(!again.contains("data-notice=\"saved\""), "it is said once");
    let overlay = streamer.browser.get(&format!("/overlay/{}", streamer.overlay)).await.body;
    assert!(overlay.contains("&lt;b&gt;Nö&lt;/b&gt;") && !overlay.contains("<b>Nö"));
    assert!(overlay.contains("&quot;decay&quot;:1.25"));
}

#[tokio::test]
async fn each_rule_is_said_beside_its_field_and_nothing_typed_is_lost() {
    let world = World::websocket_with(|setup| setup.set("API_RATE_PER_MINUTE", "0")).await;
    let mut streamer = world.log_in().await;
    let long = |count: usize| "ü".repeat(count);
    let many = |count: usize| {
        (0..count).fold(Form::default().without("for_trigger"), |form, number| {
            form.and("for_trigger", format!("word{number}"))
        })
    };
    let refused: Vec<(&str, Form)> = vec![
        ("for_trigger", Form::default().without("for_trigger")),
        ("for_trigger", Form::default().set("for_trigger", " \u{200b}\u{2060} ")),
        ("for_trigger", Form::default().set("for_trigger", long(501))),
        ("for_trigger", many(21)),
        ("against_trigger", Form::default().set("against_trigger", "")),
        ("against_trigger", Form::default().set("against_trigger", "ＹＥＳ \u{e0000}")),
        ("left_label", Form::default().set("left_label", "  ")),
        ("left_label", Form::default().set("left_label", long(51))),
        ("right_label", Form::default().without("right_label")),
        ("right_label", Form::default().set("right_label", "a\0b")),
        ("decay_speed", Form::default().set("decay_speed", "0.09")),
        ("decay_speed", Form::default().set("decay_speed", "2.01")),
        ("decay_speed", Form::default().set("decay_speed", "NaN")),
        ("decay_speed", Form::default().set("decay_speed", "0.5x")),
        ("decay_speed", Form::default().set("decay_speed", "")),
    ];
    for (field, form) in refused {
        let form = form.and("note", "an unknown field is ignored");
        let form = if field == "left_label" { form } else { form.set("left_label", "kept <as> typed") };
        let page = streamer.submit(&form).await.expect_page(422).body;
        assert!(!problem_beside(&page, field).is_empty(), "{field} in {:?}", form.0);
        for other in ["for_trigger", "against_trigger", "left_label", "right_label", "decay_speed"] {
            if other != field {
                assert_eq!(problem_beside(&page, other), "", "beside {other}, not {field}");
            }
        }
        if field != "left_label" {
            assert!(page.contains("value=\"kept &lt;as&gt; typed\""), "{field}");
        }
        let stored = streamer.browser.get("/dashboard").await.expect(200).body;
        assert!(stored.contains("name=\"left_label\" value=\"Against\""), "nothing was saved");
    }
    for good in [
        many(20),
        Form::default().set("for_trigger", long(500)),
        Form::default().set("left_label", long(50)),
        Form::default().set("decay_speed", "0.1"),
        Form::default().set("decay_speed", "2.0"),
        many(20).and("for_trigger", "WORD3").and("for_trigger", " "),
    ] {
        streamer.save(&good).await;
    }
    // Several problems are said together.
    let both = Form::default().set("left_label", "").set("decay_speed", "fast");
    let page = streamer.submit(&both).await.expect_page(422).body;
    assert!(!problem_beside(&page, "left_label").is_empty());
    assert!(!problem_beside(&page, "decay_speed").is_empty());
}

#[tokio::test]
async fn a_form_of_more_than_256_kib_is_refused() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let big = Form::default().set("left_label", "x".repeat(257 * 1024));
    streamer.submit(&big).await.expect_page(413);
    // A large one within the limit is read and judged.
    let large = Form::default().set("left_label", "x".repeat(250 * 1024));
    streamer.submit(&large).await.expect_page(422);
}

#[tokio::test]
async fn what_another_tab_saved_is_not_overwritten_unseen() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let page = streamer.browser.get("/dashboard").await.body;
    let version = between(&page, "name=\"version\" value=\"", "\"").to_owned();
    let from_page =
        |label: &str, version: &str| Form::default().set("left_label", label).set("version", version);
    streamer.save(&from_page("first tab", &version)).await;
    let stale = from_page("second tab", &version);
    let page = streamer.submit(&stale).await.expect_page(409).body;
    assert!(page.contains("value=\"second tab\""), "what was typed is kept");
    assert!(page.contains("changed in another tab"));
    let stored = streamer.browser.get("/dashboard").await.body;
    assert!(stored.contains("value=\"first tab\""));
    // Saving that page again replaces it knowingly.
    let newer = between(&page, "name=\"version\" value=\"", "\"").to_owned();
    assert_ne!(newer, version);
    streamer.save(&from_page("second tab", &newer)).await;
    // A page without a version replaces whatever is there; one that is no number is a problem.
    streamer.save(&Form::default()).await;
    streamer.submit(&from_page("x", "four")).await.expect_page(422);
}

async fn submit_json(streamer: &mut Streamer, form: &Form) -> Answer {
    let request = streamer
        .browser
        .request(Method::POST, "/dashboard/config")
        .header("Accept", "application/json")
        .header("X-CSRF-Token", &streamer.csrf)
        .form(&form.0);
    streamer.browser.send(request).await
}

#[tokio::test]
async fn a_script_saves_and_is_answered_in_json() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let saved = submit_json(&mut streamer, &Form::default()).await.expect(200).json();
    assert_eq!(saved["status"], "ok");
    let version = saved["version"].as_u64().unwrap();
    let stale = Form::default().set("version", (version - 1).to_string());
    submit_json(&mut streamer, &stale).await.expect_problem(409);
    let bad = Form::default().set("decay_speed", "9").set("left_label", "");
    let problem = submit_json(&mut streamer, &bad).await.expect_problem(422).json();
    let fields: Vec<&String> = problem["errors"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["decay_speed", "left_label"]);
    // A login that has ended is a 401, not a page that a script would follow.
    streamer.browser.cookies.clear();
    submit_json(&mut streamer, &Form::default()).await.expect_problem(401);
}

#[tokio::test]
async fn nothing_is_changed_without_the_pages_own_token() {
    let world =
        World::websocket_with(|setup| setup.set("AUTH_RATE_PER_MINUTE", "0").set("API_RATE_PER_MINUTE", "0"))
            .await;
    let mut streamer = world.log_in().await;
    let other = Streamer::log_in(&world.server, &world.sim, crate::support::world::OTHER).await;
    let _overlay = streamer.open_overlay(&world.server).await;
    let reset = format!("/api/reset/{}", streamer.overlay);
    let paths = ["/dashboard/config", "/auth/logout", &reset, "/api/rotate-overlay-uuid", "/api/test-vote"];
    let wrong = [
        None,
        Some(String::new()),
        Some("0".repeat(64)),
        Some("x".repeat(64)),
        Some("é".repeat(32)),
        Some(streamer.csrf[..63].to_owned()),
        Some(other.csrf.clone()),
    ];
    for path in paths {
        for token in &wrong {
            let mut fields = Form::default().set("side", "for").0;
            fields.extend(token.iter().map(|token| ("csrf_token".to_owned(), token.clone())));
            let mut request = streamer.browser.request(Method::POST, path).form(&fields);
            if let Some(token) = token.as_ref().filter(|token| token.is_ascii()) {
                request = request.header("X-CSRF-Token", token);
            }
            let answer = streamer.browser.send(request).await;
            assert_eq!(answer.status, 403, "{path} with {token:?}");
        }
    }
    assert_eq!(streamer.status().await["viewers"], 1, "all is as it was");
    let page = streamer.browser.get("/dashboard").await.expect(200).body;
    assert!(page.contains(&streamer.overlay));
}

#[tokio::test]
async fn open_overlays_hear_of_new_settings_and_new_triggers_count_at_once() {
    let world = World::webhook().await;
    let mut streamer = world.log_in().await;
    let mut overlays =
        [streamer.open_overlay(&world.server).await, streamer.open_overlay(&world.server).await];
    assert_eq!(world.outcome(&Line::new("1", "hop")).await, "no_match");
    let form = Form::default()
        .set("for_trigger", "hop")
        .set("left_label", "Stay")
        .set("right_label", "Jump")
        .set("decay_speed", "0.25");
    let saved = submit_json(&mut streamer, &form).await.expect(200).json();
    for overlay in &mut overlays {
        let config = overlay.next_config().await;
        assert_eq!(
            (&config["left_label"], &config["right_label"], &config["decay"]),
            (&json!("Stay"), &json!("Jump"), &json!(0.25))
        );
        assert_eq!(config["version"], saved["version"]);
    }
    assert_eq!(world.outcome(&Line::new("2", "hop")).await, "applied");
    assert_eq!(world.outcome(&Line::new("3", "yes")).await, "no_match", "the old trigger is gone");
    for overlay in &mut overlays {
        let shown = overlay.shows(|value| value > 2.0).await;
        assert_eq!(shown.decay, 0.25);
    }
}

#[tokio::test]
async fn a_new_decay_speed_begins_where_the_old_one_ended() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    streamer.save(&Form::default().set("decay_speed", "0.1")).await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    for _ in 0..5 {
        streamer.test_vote("for").await.expect(200);
    }
    let before = overlay.shows(|value| value > 45.0).await;
    // Two drifting seconds at the old speed, then a speed at which these would have left almost nothing.
    let drifted = loop {
        let shown = overlay.next_shown().await;
        if (shown.at - before.at).as_millis() > 1_800 {
            break shown;
        }
    };
    streamer.save(&Form::default().set("decay_speed", "2.0")).await;
    let folded = loop {
        let shown = overlay.next_shown().await;
        if (shown.decay - 2.0).abs() < f64::EPSILON {
            break shown;
        }
    };
    let secs = (folded.at - drifted.at).as_secs_f64();
    assert!(
        folded.value > drifted.value * (-2.0 * secs).exp() - 1.0 && folded.value > 20.0,
        "{drifted:?}, then {folded:?}"
    );
}

#[tokio::test]
async fn a_restart_keeps_accounts_settings_and_logins() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    streamer.save(&Form::default().set("left_label", "Kept").set("for_trigger", "hop")).await;
    let World { sim, server } = world;
    let setup = server.setup().clone();
    let (status, log) = server.stop().await;
    assert!(status.success(), "{log}");

    let server = Server::start(setup).await;
    let mut back = Streamer::at_dashboard(streamer.browser.clone().moved_to(&server)).await;
    assert_eq!((&back.overlay, &back.csrf), (&streamer.overlay, &streamer.csrf));
    let page = back.browser.get("/dashboard").await.body;
    assert!(page.contains("value=\"Kept\"") && page.contains("value=\"hop\""));
    let mut overlay = back.open_overlay(&server).await;
    back.chat_becomes("reading").await;
    let line = chatpulse_twitch_sim::ChatLine::new(
        crate::support::world::STREAMER,
        chatpulse_twitch_sim::Chatter::named("Ada"),
        "hop",
    );
    sim.say(line).await;
    overlay.shows(|value| value > 5.0).await;
}

#[tokio::test]
async fn a_foreign_overlay_cannot_be_reset() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let other = Streamer::log_in(&world.server, &world.sim, crate::support::world::OTHER).await;
    let path = |overlay: &str| format!("/api/reset/{overlay}");
    streamer.call(&path(&other.overlay), &Value::Null).await.expect_problem(403);
    streamer.call(&path("not-a-uuid"), &Value::Null).await.expect_problem(400);
    streamer.call(&path(&streamer.overlay.clone()), &Value::Null).await.expect(200);
}
