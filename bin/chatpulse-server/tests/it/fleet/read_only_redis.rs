//! Redis answers but takes no writes: an outage for overlays, and nothing that a restart of an instance could end.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::recording::Recording;
use crate::support::server::Server;
use crate::support::{SOON, within};

const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// What begins it, and what ends it.
const REASONS: [[&[&str]; 2]; 2] = [
    [&["CONFIG", "SET", "min-replicas-to-write", "1"], &["CONFIG", "SET", "min-replicas-to-write", "0"]],
    [&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]],
];

/// Waits until the instance says this of Redis, since an answer is kept for a second. It is ready all the time.
async fn is_ready_with(server: &Server, redis: &str) {
    within(NOTICED_WITHIN, &format!("Redis is {redis}"), async || {
        let answer = server.http.get(server.url("/health/ready")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.unwrap();
        (body["checks"]["redis"] == redis).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overlays_are_degraded_and_instances_stay_ready_while_redis_takes_no_writes() {
    let fleet = Fleet::start().await;
    let streamer = fleet.log_in().await;
    let mut overlays = fleet.record_everywhere(&streamer).await;
    for (round, [begin, end]) in REASONS.into_iter().enumerate() {
        fleet.redis.ask(begin);
        let began_at = Instant::now();
        for overlay in &mut overlays {
            let is_degraded =
                |shown: &crate::support::overlay::Shown| shown.at > began_at && shown.status == "degraded";
            overlay.shows(NOTICED_WITHIN, is_degraded).await;
        }
        let mut newcomer = Recording::of(streamer.open_overlay(&fleet.instances[1]).await);
        newcomer.shows(NOTICED_WITHIN, |shown| shown.status == "degraded").await;
        overlays.push(newcomer);
        let errors = fleet.counted("error").await;
        for instance in &fleet.instances {
            is_ready_with(instance, "read_only").await;
            Line::new(&format!("Refused{round}"), "yes").post().send(instance).await.expect(204);
        }
        within(SOON, "votes are counted as errors", async || {
            (fleet.counted("error").await >= errors + 3.0).then_some(())
        })
        .await;

        fleet.redis.ask(end);
        let back_at = Instant::now();
        for overlay in &mut overlays {
            overlay.shows(NOTICED_WITHIN, |shown| shown.at > back_at && shown.status == "active").await;
        }
        let (applied, mut tries) = (fleet.counted("applied").await, 0);
        within(NOTICED_WITHIN, "votes count again", async || {
            tries += 1;
            let chatter = format!("Again{round}x{tries}");
            Line::new(&chatter, "yes").post().send(&fleet.instances[2]).await.expect(204);
            (fleet.counted("applied").await > applied).then_some(())
        })
        .await;
        is_ready_with(&fleet.instances[0], "ok").await;
    }
}
