//! Votes as real chats type them, from the webhook to the result; and what the dashboard says about triggers.
//!
//! The rule itself is tested in `chatpulse-domain`; here it is seen to reach both ends of the product.

use serde_json::{Value, json};

use crate::support::browser::Answer;
use crate::support::chat::Line;
use crate::support::overlay::Overlay;
use crate::support::streamer::{Form, Streamer};
use crate::support::world::World;

async fn watched(form: &Form) -> (World, Streamer, Overlay) {
    let world = World::webhook_with(|setup| setup.set("VOTE_RATE_LIMIT_CAPACITY", "0")).await;
    let mut streamer = world.log_in().await;
    streamer.save(form).await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    (world, streamer, overlay)
}

fn form(for_triggers: &[&str], against_triggers: &[&str]) -> Form {
    let form = Form::default().without("for_trigger").without("against_trigger");
    let form = for_triggers.iter().fold(form, |form, trigger| form.and("for_trigger", *trigger));
    against_triggers.iter().fold(form, |form, trigger| form.and("against_trigger", *trigger))
}

/// A trigger, and lines with what comes of them.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    ("hayır", &[("HAYIR", "applied")]),
    ("İYİ", &[("iyi", "applied"), ("IYI", "applied")]),
    ("1\u{FE0F}\u{20E3}", &[("1\u{20E3}", "applied"), ("1", "no_match")]),
    ("نعم", &[("\u{200F}نعم", "applied")]),
    ("네", &[("네\u{3164}", "applied")]),
    ("όχι", &[("ΟΧΙ", "applied")]),
    ("sí", &[("si", "applied"), ("SI!", "applied"), ("s", "no_match")]),
    ("don't", &[("don’t", "applied"), ("don´t", "applied"), ("dont", "no_match")]),
    ("-", &[("–", "applied"), ("−", "applied")]),
    ("👍", &[("👍🏽", "applied"), ("👍👍🏿👍", "applied"), ("👎", "no_match")]),
    ("PogChamp", &[("PogChamp PogChamp PogChamp", "applied"), ("PogChampPogChamp", "no_match")]),
    (
        "yes",
        &[
            ("yes!!", "applied"),
            ("Yes.", "applied"),
            ("yes…", "applied"),
            ("yes !", "applied"),
            ("@Streamer yes", "applied"),
            ("!vote yes", "applied"),
            ("yes?", "no_match"),
            ("yes I think", "no_match"),
        ],
    ),
    (
        "1",
        &[
            ("1)", "applied"),
            ("#1", "applied"),
            ("!vote 1", "applied"),
            ("１", "applied"),
            ("11", "no_match"),
        ],
    ),
];

#[tokio::test]
async fn votes_are_counted_as_real_chats_type_them() {
    let (world, mut streamer, mut overlay) = watched(&form(&["yes"], &["never ever"])).await;
    for (case, (trigger, lines)) in CASES.iter().enumerate() {
        streamer.save(&form(&[trigger], &["never ever"])).await;
        overlay.next_config().await;
        for (number, (line, expected)) in lines.iter().enumerate() {
            let chatter = format!("c{case}n{number}");
            assert_eq!(world.outcome(&Line::new(&chatter, line)).await, *expected, "{line} for {trigger}");
        }
    }
}

#[tokio::test]
async fn exact_matching_leaves_the_second_look_out() {
    let (world, _streamer, _overlay) = watched(&form(&["yes"], &["no"]).set("matching", "exact")).await;
    for (chatter, line) in ["yes!!", "@Streamer yes", "yes yes", "!vote yes"].into_iter().enumerate() {
        assert_eq!(world.outcome(&Line::new(&chatter.to_string(), line)).await, "no_match", "{line}");
    }
    assert_eq!(world.outcome(&Line::new("z", "  YES\u{200F}")).await, "applied");
}

#[tokio::test]
async fn cheers_and_variants_of_emotes_are_known_by_twitchs_fragments() {
    let (world, _streamer, _overlay) = watched(&form(&["yes", "Kappa"], &["no"])).await;
    let line = |chatter: &str, fragments: Value| {
        let text: String =
            fragments.as_array().unwrap().iter().map(|part| part["text"].as_str().unwrap()).collect();
        Line::new(chatter, &text).with("message", json!({ "text": text, "fragments": fragments }))
    };
    let cheer = json!({ "type": "cheermote", "text": "Cheer100", "cheermote": { "prefix": "cheer", "bits": 100, "tier": 1 } });
    let variant = json!({ "type": "emote", "text": "Kappa_HF", "emote": { "id": "25_HF" } });
    let text = |text: &str| json!({ "type": "text", "text": text });
    for (chatter, fragments, expected) in [
        ("1", json!([cheer, text(" yes")]), "applied"),
        ("2", json!([text("yes "), cheer]), "applied"),
        ("3", json!([variant]), "applied"),
        ("4", json!([variant, text(" "), variant]), "applied"),
        ("5", json!([text("Cheer100 yes")]), "no_match"),
        ("6", json!([text("Kappa_HF")]), "no_match"),
        ("7", json!([cheer]), "no_match"),
    ] {
        assert_eq!(world.outcome(&line(chatter, fragments.clone())).await, expected, "{fragments}");
    }
    let reply = Line::new("8", "@Someone @Streamer yes").with("reply", json!({ "parent_message_id": "p" }));
    assert_eq!(world.outcome(&reply).await, "applied");
}

#[tokio::test]
async fn two_flags_of_one_kingdom_are_two_sides() {
    let flag = |country: &str| {
        let tags = country.chars().map(|c| char::from_u32(0xE0000 + u32::from(c)).unwrap());
        format!("\u{1F3F4}{}\u{E007F}", tags.collect::<String>())
    };
    let (england, scotland) = (flag("gbeng"), flag("gbsct"));
    let (world, _streamer, mut overlay) = watched(&form(&[&england], &[&scotland])).await;
    assert_eq!(world.outcome(&Line::new("1", &scotland)).await, "applied");
    overlay.shows(|value| value < -5.0).await;
    assert_eq!(world.outcome(&Line::new("2", "\u{1F3F4}")).await, "no_match");
}

#[tokio::test]
async fn a_trigger_that_can_never_match_is_refused_beside_its_field() {
    let (_world, mut streamer, _overlay) = watched(&Form::default()).await;
    for (trigger, said) in [
        ("!pulse reset", "moderators’ commands"),
        ("！pulse", "moderators’ commands"),
        ("/yes", "leave the / out"),
        ("a\u{7}b", "U+0007"),
        ("\u{202E}yes", "U+202E"),
    ] {
        let page = streamer.submit(&form(&[trigger], &["no"])).await.expect(422).body;
        assert!(page.contains(said), "{trigger:?}");
    }
    let label = streamer.submit(&Form::default().set("left_label", "a\u{202D}b")).await.expect(422).body;
    assert!(label.contains("U+202D"));
}

#[tokio::test]
async fn a_trigger_that_may_be_a_mistake_is_saved_and_asked_about() {
    let (world, mut streamer, mut overlay) = watched(&Form::default()).await;
    let odd = ["ja, jep", ":PogChamp:", "“oui”"];
    streamer.save(&form(&odd, &["no"])).await;
    overlay.next_config().await;
    assert_eq!(world.outcome(&Line::new("1", "ja, jep")).await, "applied");
    let page = streamer.browser.get("/dashboard").await.expect(200).body;
    for question in [
        "Did you mean several?",
        "on Twitch an emote is typed without",
        "counts only with its quotation marks",
    ] {
        assert!(page.contains(question), "{question}");
    }
    streamer.save(&form(&["ja", ":/", "don't"], &["no"])).await;
    let page = streamer.browser.get("/dashboard").await.expect(200).body;
    assert!(!page.contains("Did you mean"));
}

#[tokio::test]
async fn a_line_can_be_tried_against_the_form_and_against_what_is_saved() {
    let (_world, mut streamer, _overlay) = watched(&form(&["yes"], &["no"])).await;
    let page =
        try_line(&mut streamer, &Form(Vec::new()), "@Streamer yes!", "text/html").await.expect(200).body;
    assert!(page.contains("Counts as a vote for.") && page.contains("value=\"@Streamer yes!\""));
    for (line, side) in
        [("hmm!", json!("for")), ("NO", json!("against")), ("yes", Value::Null), (" ", Value::Null)]
    {
        let answer =
            try_line(&mut streamer, &form(&["hmm"], &["no"]), line, "application/json").await.expect(200);
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(told["side"], side, "{line}");
    }
    let exact = form(&["hmm"], &["no"]).set("matching", "exact");
    let answer = try_line(&mut streamer, &exact, "hmm!", "application/json").await.expect(200);
    assert!(answer.body.contains("Doesn’t count."));
    try_line(&mut streamer, &form(&["/"], &["no"]), "x", "application/json").await.expect_problem(422);
    // Nothing was saved by trying.
    assert_eq!(streamer.browser.get("/dashboard").await.body.matches("value=\"hmm\"").count(), 0);
    streamer.csrf = "0".repeat(64);
    try_line(&mut streamer, &Form(Vec::new()), "yes", "application/json").await.expect_problem(403);
}

async fn try_line(streamer: &mut Streamer, form: &Form, line: &str, accept: &str) -> Answer {
    let form = form.clone().and("line", line).and("csrf_token", streamer.csrf.clone());
    let request = streamer.browser.request(reqwest::Method::POST, "/dashboard/try");
    streamer.browser.send(request.header("Accept", accept).form(&form.0)).await
}
