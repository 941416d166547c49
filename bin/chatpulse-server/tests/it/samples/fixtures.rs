//! Our own fixtures: one chat event each, with its expected result, through both transports.

use std::fs;

use serde_json::Value;

use super::{read_json, with_triggers};
use crate::support::chat::Line;
use crate::support::metrics::Metrics;
use crate::support::world::{BOT, STREAMER, World};
use crate::support::{SOON, eventually};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

struct Fixture {
    name: String,
    /// A `result` of `vote_processing_total`.
    outcome: String,
    event: Value,
}

fn fixtures() -> Vec<Fixture> {
    let mut all: Vec<_> = fs::read_dir(FIXTURES)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let fixture = read_json(&path);
            Fixture {
                name: path.file_stem().unwrap().to_string_lossy().into_owned(),
                outcome: fixture["outcome"].as_str().unwrap().to_owned(),
                event: fixture["event"].clone(),
            }
        })
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(all.len() > 30, "only {} fixtures", all.len());
    all
}

#[tokio::test]
async fn every_fixture_has_its_outcome_by_webhook() {
    let world = World::webhook().await;
    let streamer = with_triggers(&world).await;
    let _overlay = streamer.open_overlay(&world.server).await;
    for Fixture { name, outcome, event } in fixtures() {
        let line = Line { event };
        assert_eq!(world.outcome(&line).await, outcome, "{name}");
    }
}

#[tokio::test]
async fn every_fixture_has_its_outcome_by_eventsub_socket() {
    let world = World::websocket_with(|setup| setup.set("BOT_USER_ID", BOT)).await;
    world.sim.grant(BOT, &["user:read:chat", "user:bot"]);
    let streamer = with_triggers(&world).await;
    let _overlay = streamer.open_overlay(&world.server).await;
    assert!(world.sim.wait_until_subscribed(STREAMER, SOON).await);
    for Fixture { name, outcome, event } in fixtures() {
        let before = world.metrics().await;
        let sent = world.sim.push_event("channel.chat.message", &event).await;
        assert_eq!(sent, 1, "{name}");
        let all = before.sum("vote_processing_total");
        let after = eventually(&name, async || {
            let metrics = world.metrics().await;
            (metrics.sum("vote_processing_total") > all + 0.5).then_some(metrics)
        })
        .await;
        let count = |metrics: &Metrics| metrics.value("vote_processing_total", &[("result", &outcome)]);
        assert!(count(&after) > count(&before), "{name} is not {outcome}");
    }
}
