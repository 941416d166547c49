//! A life of the fleet as the Redis user that `docs/operations/fleet.md` says how to create.

use crate::support::chat::Line;
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::streamer::Form;

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_redis_user_is_enough() {
    let mut fleet = Fleet::without_instances(0, |setup| {
        setup.set("CLEANUP_INTERVAL", "200ms").set("ORPHAN_MAX_AGE", "200ms")
    })
    .await;
    let url = fleet.redis.create_documented_user();
    for _ in 0..2 {
        let instance = fleet.start_one_with(|setup| setup.set("REDIS_URL", &url)).await;
        fleet.instances.push(instance);
    }
    fleet.leader().await;
    let mut streamer = fleet.log_in().await;
    let mut overlays = fleet.open_everywhere(&streamer).await;
    Line::new("Viewer", "yes").post().send(&fleet.instances[1]).await.expect(204);
    for overlay in &mut overlays {
        overlay.shows(|value| value > 5.0).await;
    }
    streamer.test_vote("for").await.expect(200);
    streamer.reset().await;
    streamer.save(&Form::default().set("boxes", "1").set("mode", "share").set("until_reset", "on")).await;
    Line::new("Other", "yes").post().send(&fleet.instances[0]).await.expect(204);
    overlays[1].shows_tally(1, 0).await;
    streamer.rotate().await;
    for overlay in &mut overlays {
        assert_eq!(overlay.wait_close().await.0, 4001);
    }
    streamer.save(&Form::default().set("boxes", "1").set("mode", "momentum")).await;
    streamer.open_overlay(&fleet.instances[0]).await.close().await;
    eventually("the orphan is deleted", async || {
        (fleet.total("orphan_sessions_deleted_total", &[]).await > 0.5).then_some(())
    })
    .await;
    let last = fleet.instances.pop().unwrap();
    assert!(last.stop().await.0.success());
    assert_eq!(fleet.redis.denied(), "", "nothing was tried in vain");
}
