//! Repeated crashes leave no stale state.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::overlay::Overlay;
use crate::support::server::{Server, Setup};
use crate::support::streamer::Streamer;
use crate::support::{live, within};

const CRASHES: usize = 50;

/// A dead instance is given up after 30 s, by a leader who may have to wait for a lease to lapse first.
const CLEARED_WITHIN: Duration = Duration::from_secs(100);

#[tokio::test]
async fn fifty_crashes_leave_no_more_behind_than_clean_shutdowns() {
    let (crashed, stopped) = tokio::join!(
        left_behind(CRASHES, async |server: Server| server.signal("KILL").await),
        left_behind(3, async |server: Server| assert!(server.stop().await.0.success())),
    );
    println!("left behind: {stopped:?}");
    assert_eq!(crashed, stopped);
}

/// Starts an instance, opens an overlay, votes, and ends it in this way, again and again; then one last instance
/// clears up and is stopped. Returns what kinds of keys stand in Redis then.
async fn left_behind(rounds: usize, end: impl AsyncFn(Server)) -> BTreeSet<String> {
    let fast = |setup: Setup| setup.set("CLEANUP_INTERVAL", "1s").set("ORPHAN_MAX_AGE", "1s");
    let mut fleet = Fleet::without_instances(0, fast).await;
    fleet.add_instances(1).await;
    let streamer = fleet.log_in().await;
    end(fleet.instances.remove(0)).await;
    for round in 0..rounds {
        let server = fleet.start_one().await;
        let _overlay = serve(&server, &streamer, round).await;
        end(server).await;
    }
    let last = fleet.start_one().await;
    let size = |command, key| live::ask(&fleet.redis, &[command, key]).remove(0);
    within(CLEARED_WITHIN, "what ended instances held is cleared", async || {
        let is_clear = size("ZCARD", "instances") == "1"
            && size("ZCARD", "disconnected_sessions") == "0"
            && live::session_keys(&fleet.redis, &streamer.overlay).is_empty();
        is_clear.then_some(())
    })
    .await;
    assert_eq!(size("HLEN", "instance_epochs:{instances}"), "1", "registrations of ended instances");
    assert!(last.stop().await.0.success());
    let keys = live::keys(&fleet.redis);
    for key in keys.iter().filter(|key| *key != "fence:{cleanup:leader}") {
        assert_ne!(size("PTTL", key), "-1", "{key} stays for ever");
    }
    keys.iter().map(|key| key.split(':').next().unwrap().to_owned()).collect()
}

async fn serve(server: &Server, streamer: &Streamer, round: usize) -> Overlay {
    let mut overlay = streamer.open_overlay(server).await;
    overlay.next_value().await;
    Line::new(&format!("Viewer{round}"), "yes").post().send(server).await.expect(204);
    overlay.shows(|value| value > 5.0).await;
    overlay
}
