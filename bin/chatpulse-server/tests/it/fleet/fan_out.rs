//! Measures the latency from a vote at one instance to the overlays at all instances.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::streamer::Form;

const PROMISED: Duration = Duration::from_millis(100);

const VOTES: usize = 120;

#[tokio::test]
async fn a_vote_posted_to_one_instance_reaches_overlays_at_all_within_100_ms() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    streamer.save(&Form::default().set("decay_speed", "0.1")).await;
    let mut overlays = fleet.open_everywhere(&streamer).await;
    let mut took = Vec::new();
    for round in 0..VOTES {
        // To and fro: each is seen apart from the one before it, and none meets an end of the bar.
        let is_up = round % 2 == 0;
        let text = if is_up { "yes" } else { "no" };
        let posted_at = Instant::now();
        let post = Line::new(&format!("Viewer{round}"), text).post();
        let has_moved = |value: f64| if is_up { value > 4.0 } else { value < 1.0 };
        let showing = join_all(overlays.iter_mut().map(|overlay| overlay.shows(has_moved)));
        let (answer, shown) = tokio::join!(post.send(&fleet.instances[0]), showing);
        answer.expect(204);
        took.extend(shown.iter().map(|shown| shown.at - posted_at));
    }
    took.sort();
    let at = |percent: usize| took[(took.len() * percent).div_ceil(100) - 1];
    println!("p50 {:?}, p90 {:?}, p99 {:?}, slowest {:?}", at(50), at(90), at(99), at(100));
    assert!(at(99) < PROMISED, "{took:?}");
}
