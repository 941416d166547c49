//! The first session of a streamer, in the usual order of steps.

use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::server::Setup;
use crate::support::streamer::Form;
use crate::support::{eventually, live};

#[tokio::test]
async fn votes_count_at_once_when_everything_was_pressed_before_the_overlay_opened() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    streamer.save(&Form::default().set("decay_speed", "0.1")).await;
    streamer.reset().await;
    streamer.rotate().await;
    assert_eq!(live::session_keys(&fleet.redis, &streamer.overlay), [""; 0], "nothing of it opens a session");
    // A line that comes too early is remembered as "no session" by every instance.
    for instance in &fleet.instances {
        Line::new("Early", "yes").post().send(instance).await.expect(204);
    }
    let mut overlay = streamer.open_overlay(&fleet.instances[2]).await;
    assert_eq!(overlay.next_value().await, 0.0);
    for (place, instance) in fleet.instances.iter().enumerate() {
        let before = fleet.counted("applied").await;
        Line::new(&format!("Viewer{place}"), "yes").post().send(instance).await.expect(204);
        assert_eq!(fleet.counted("applied").await, before + 1.0, "instance {place}");
    }
    overlay.shows(|value| value > 25.0).await;
}

#[tokio::test]
async fn votes_go_on_counting_after_the_session_of_a_rotated_address_was_cleaned_up() {
    let fast = |setup: Setup| {
        setup.set("CLEANUP_INTERVAL", "1s").set("ORPHAN_MAX_AGE", "1s").set("SUBSCRIPTION_GRACE", "1s")
    };
    let fleet = Fleet::start_with(fast).await;
    let mut streamer = fleet.log_in().await;
    streamer.save(&Form::default().set("decay_speed", "0.1")).await;
    let old = streamer.clone();
    let overlays = fleet.open_everywhere(&old).await;
    // Otherwise the old session would be gone before the new one begins, and nothing be left to clean up.
    live::refuse_writes(&fleet.redis);
    streamer.rotate().await;
    for mut overlay in overlays {
        assert_eq!(overlay.wait_close().await.0, 4001);
    }
    assert!(!live::session_keys(&fleet.redis, &old.overlay).is_empty());
    live::take_writes(&fleet.redis);
    let mut overlay = streamer.open_overlay(&fleet.instances[1]).await;
    let scans = fleet.total("orphan_cleanup_scans_total", &[]).await;
    eventually("the old session is gone, and clean-up has looked several times since", async || {
        let is_gone = live::session_keys(&fleet.redis, &old.overlay).is_empty()
            && live::ask(&fleet.redis, &["ZCARD", "disconnected_sessions"]) == ["0"];
        let looked = fleet.total("orphan_cleanup_scans_total", &[]).await - scans;
        (is_gone && looked >= 4.0).then_some(())
    })
    .await;
    for (place, instance) in fleet.instances.iter().enumerate() {
        Line::new(&format!("Viewer{place}"), "yes").post().send(instance).await.expect(204);
    }
    assert_eq!(fleet.counted("applied").await, 3.0);
    overlay.shows(|value| value > 25.0).await;
    streamer.chat_becomes("reading").await;
}
