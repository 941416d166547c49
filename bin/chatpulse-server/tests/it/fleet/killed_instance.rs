//! An instance is killed without shutdown, with default timings.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::live;
use crate::support::recording::Recording;
use crate::support::{SOON, within};

const GONE_WITHIN: Duration = Duration::from_mins(2);

/// The leader is killed: its lease has to lapse before anybody clears up, which is the longest way.
#[tokio::test]
async fn what_only_a_killed_leader_served_is_gone_within_120_s_and_the_rest_never_flickers() {
    let mut fleet = Fleet::start().await;
    let (mut streamer, other) = (fleet.log_in().await, fleet.log_in_other().await);
    let doomed = fleet.leader().await;
    let mut overlays = fleet.record_everywhere(&streamer).await;
    let _alone = Recording::of(other.open_overlay(&fleet.instances[doomed]).await);
    streamer.chat_becomes("reading").await;
    assert_eq!(streamer.status().await["viewers"], 3);
    assert!(!live::session_keys(&fleet.redis, &other.overlay).is_empty());

    let killed = fleet.instances.remove(doomed);
    overlays.remove(doomed);
    streamer.browser = streamer.browser.moved_to(&fleet.instances[0]);
    killed.signal("KILL").await;
    let killed_at = Instant::now();
    within(GONE_WITHIN, "the dead instance's own session is gone", async || {
        live::session_keys(&fleet.redis, &other.overlay).is_empty().then_some(())
    })
    .await;
    within(SOON, "only living instances hold the other session", async || {
        (streamer.status().await["viewers"] == 2).then_some(())
    })
    .await;
    println!("cleared up after {:?}", killed_at.elapsed());
    assert!(killed_at.elapsed() < GONE_WITHIN, "{:?}", killed_at.elapsed());
    assert_eq!(live::ask(&fleet.redis, &["ZCARD", "instances"]), ["2"]);
    assert!(!live::keys(&fleet.redis).iter().any(|key| {
        key.starts_with("instance_sessions:") && live::ask(&fleet.redis, &["SCARD", key]) != ["1"]
    }));

    for overlay in &overlays {
        let shown = overlay.shown();
        assert!(shown.is_empty(), "nothing changed, so nothing is told: {shown:?}");
    }
    Line::new("Viewer", "yes").post().send(&fleet.instances[1]).await.expect(204);
    for overlay in &mut overlays {
        overlay.shows(SOON, |shown| shown.value > 5.0).await;
    }
}
