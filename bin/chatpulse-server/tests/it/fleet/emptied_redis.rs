//! Redis restarts without its data during votes.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::fleet::Fleet;
use crate::support::load::Load;
use crate::support::metrics::Metrics;
use crate::support::overlay::Shown;
use crate::support::{SOON, live, within};

const RECOVERED_WITHIN: Duration = Duration::from_secs(5);
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn redis_restarted_empty_under_load_is_filled_by_itself_and_overlays_recover_within_5_s() {
    let mut fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    let mut overlays = fleet.record_everywhere(&streamer).await;
    let load = Load::on(&fleet.instances, Duration::from_millis(50));
    for overlay in &mut overlays {
        overlay.shows(SOON, |shown| shown.value > 50.0).await;
    }
    fleet.redis.restart();
    let back_at = Instant::now();
    let before = applied(&fleet).await;
    for overlay in &mut overlays {
        let is_back = |shown: &_| is_moving(shown, back_at);
        let shown = overlay.shows(RECOVERED_WITHIN, is_back).await;
        println!("an overlay is back after {:?}", shown.at - back_at);
        assert!(shown.at - back_at < RECOVERED_WITHIN);
    }
    within(RECOVERED_WITHIN.saturating_sub(back_at.elapsed()), "votes count at every instance", async || {
        let now = applied(&fleet).await;
        now.iter().zip(&before).all(|(now, before)| now > before).then_some(())
    })
    .await;
    assert!(live::ask(&fleet.redis, &["FUNCTION", "LIST"]).iter().any(|word| word == "chatpulse"));
    load.end_answered_within(ANSWERED_WITHIN).await;
    within(RECOVERED_WITHIN.saturating_sub(back_at.elapsed()), "all hold the session again", async || {
        (streamer.status().await["viewers"] == 3).then_some(())
    })
    .await;
    for metrics in fleet.metrics().await {
        assert_eq!(metrics.value("circuit_breaker_state", &[("component", "redis")]), 0.0);
    }
}

/// The new Redis began at the centre, so only new votes get it anywhere.
fn is_moving(shown: &Shown, since: Instant) -> bool {
    shown.at > since && shown.status == "active" && shown.value > 5.0
}

async fn applied(fleet: &Fleet) -> Vec<f64> {
    let metrics = fleet.metrics().await;
    let applied = |metrics: &Metrics| metrics.value("vote_processing_total", &[("result", "applied")]);
    metrics.iter().map(applied).collect()
}
