//! Redis hangs for a moment in the middle of the work, again and again: a vote that was counted as an error is not
//! applied when Redis goes on.

use std::time::Duration;

use chatpulse_testkit::servers::redis::RedisServer;
use tokio::time::sleep;

use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::load::Load;
use crate::support::recording::Recording;
use crate::support::streamer::Form;

/// Around the deadline of a vote, 300 ms, and far beyond it.
const HANGS_MS: [u64; 4] = [250, 400, 700, 1_500];

/// Between two hangs: long enough that the breaker closes again.
const PAUSE: Duration = Duration::from_secs(2);

fn hang(redis: &RedisServer, for_ms: u64) {
    redis.ask(&["CLIENT", "PAUSE", &for_ms.to_string(), "WRITE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_votes_are_applied_as_were_counted_as_applied() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    streamer.save(&Form::default().set("boxes", "1").set("mode", "share").set("until_reset", "on")).await;
    let recording = Recording::of(streamer.open_overlay(&fleet.instances[0]).await);
    let load = Load::on(&fleet.instances, Duration::from_millis(15));
    for for_ms in HANGS_MS {
        sleep(PAUSE).await;
        hang(&fleet.redis, for_ms);
        sleep(Duration::from_millis(for_ms)).await;
    }
    sleep(PAUSE).await;
    let posted = load.end_answered_within(Duration::from_secs(2)).await;
    let (applied, failed) = (fleet.counted("applied").await, fleet.counted("error").await);
    println!("{posted} posted, {applied} applied, {failed} errors");
    assert_eq!(applied + failed, posted);
    assert!(failed > 0.0, "the hangs were too short to test anything");
    let shown = || {
        let tally = recording.shown().last().and_then(|shown| shown.tally);
        f64::from(tally.map_or(0, |(in_favor, _)| u32::try_from(in_favor).unwrap()))
    };
    eventually("the overlay shows what was counted", async || (shown() >= applied).then_some(())).await;
    // A vote that is applied late would show within a tick.
    sleep(Duration::from_secs(1)).await;
    assert_eq!(shown(), applied);
}
