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

async fn ready(server: &Server) -> (u16, Value) {
    let answer = server.http.get(server.url("/health/ready")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
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
            let (status, body) = ready(instance).await;
            assert_eq!((status, &body["checks"]["redis"]), (200, &Value::from("read_only")), "{body}");
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
        assert_eq!(ready(&fleet.instances[0]).await.1["checks"]["redis"], "ok");
    }
}
