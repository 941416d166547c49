//! Settings are saved to the database while Redis rejects writes.

use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::streamer::Form;
use crate::support::{SOON, eventually, live};

#[tokio::test]
async fn settings_that_redis_could_not_take_are_saved_and_repaired_at_every_instance() {
    let fleet = Fleet::start_with(|setup| setup.set("RECONCILE_INTERVAL", "1s")).await;
    let mut streamer = fleet.log_in().await;
    let mut overlays = fleet.record_everywhere(&streamer).await;
    // Every instance remembers the old triggers.
    for instance in &fleet.instances {
        Line::new("Early", "ja").post().send(instance).await.expect(204);
    }
    live::refuse_writes(&fleet.redis);
    streamer.save(&Form::default().set("for_trigger", "ja").set("decay_speed", "0.1")).await;
    let session = format!("session:{{{}}}", streamer.overlay);
    let stored = live::ask(&fleet.redis, &["HGET", &session, "config_json"]);
    assert!(!stored.concat().contains("\"ja\""), "it could not be told: {stored:?}");
    live::take_writes(&fleet.redis);

    eventually("the drift was found and mended", async || {
        let detected = fleet.total("config_drift_detected_total", &[]).await;
        let fixed = fleet.total("config_drift_fixed_total", &[]).await;
        (detected >= 1.0 && fixed >= 1.0).then_some(())
    })
    .await;
    for (place, instance) in fleet.instances.iter().enumerate() {
        let before = fleet.counted("applied").await;
        let mut round = 0;
        eventually("votes by the new trigger count", async || {
            round += 1;
            Line::new(&format!("Late{place}x{round}"), "ja").post().send(instance).await.expect(204);
            (fleet.counted("applied").await > before).then_some(())
        })
        .await;
    }
    for overlay in &mut overlays {
        overlay.shows(SOON, |shown| shown.value > 15.0).await;
    }
}
