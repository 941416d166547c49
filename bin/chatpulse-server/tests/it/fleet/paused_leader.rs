//! The leader is paused for longer than its lease and then resumes.

use std::time::Duration;

use tokio::time::{Instant, interval};
use uuid::Uuid;

use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::metrics::Metrics;
use crate::support::recording::Recording;
use crate::support::server::Server;
use crate::support::world::OTHER;
use crate::support::{SOON, live, within};

/// Its lease has lapsed by then, it counts as dead, and what it held alone is cleaned up.
const PAUSE: Duration = Duration::from_mins(1);
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// Long enough for a leader that does not know better to clean up several times.
const WATCHED_AFTERWARDS: Duration = Duration::from_secs(5);

const LEADER: [(&str, &str); 1] = [("key", "cleanup:leader")];

#[tokio::test]
async fn a_leader_paused_beyond_its_lease_is_replaced_and_comes_back_as_a_follower_with_its_overlays() {
    let mut fleet =
        Fleet::start_with(|setup| setup.set("CLEANUP_INTERVAL", "1s").set("ORPHAN_MAX_AGE", "5s")).await;
    let (mut streamer, other) = (fleet.log_in().await, fleet.log_in_other().await);
    let place = fleet.leader().await;
    let mut shared = fleet.record_everywhere(&streamer).await;
    let mut alone = Recording::of(other.open_overlay(&fleet.instances[place]).await);
    alone.shows(SOON, |shown| shown.value == 0.0).await;
    let paused = fleet.instances.remove(place);
    let shared_with_paused = shared.remove(place);
    streamer.browser = streamer.browser.moved_to(&fleet.instances[0]);
    let scans = scans(&paused).await;
    let fence = live::ask(&fleet.redis, &["GET", "fence:{cleanup:leader}"]);

    paused.signal("STOP").await;
    let paused_at = Instant::now();
    vote_until(&fleet, paused_at + PAUSE).await;
    assert_eq!(fleet.total("leader_elections_total", &LEADER).await, 1.0, "one of the others took over");
    let new_fence = live::ask(&fleet.redis, &["GET", "fence:{cleanup:leader}"]);
    assert!(new_fence[0].parse::<u64>().unwrap() > fence[0].parse().unwrap());
    assert_eq!(live::session_keys(&fleet.redis, &other.overlay), [""; 0], "nobody else served it");
    assert_eq!(streamer.status().await["viewers"], 2);

    paused.signal("CONT").await;
    let back_at = Instant::now();
    votes_show(&mut alone, &fleet, back_at).await;
    println!("votes show {:?} after it goes on", back_at.elapsed());
    within(BACK_WITHIN, "its other overlay counts again", async || {
        (streamer.status().await["viewers"] == 3).then_some(())
    })
    .await;
    vote_until(&fleet, Instant::now() + WATCHED_AFTERWARDS).await;
    let metrics = Metrics::of(&paused).await;
    assert_eq!(metrics.value("is_leader", &LEADER), 0.0);
    let more = metrics.value("orphan_cleanup_scans_total", &[]) - scans;
    assert!(more <= 1.0, "it cleaned up {more} times since it was last asked, before the pause");
    assert_eq!(fleet.total("is_leader", &LEADER).await, 1.0);
    for overlay in shared.iter().chain([&shared_with_paused]) {
        assert!(overlay.shown().iter().all(|shown| shown.status == "active"), "{:?}", overlay.shown());
    }
    for overlay in &shared {
        // Votes for one side, one a second: it never falls back to the centre.
        let shown = overlay.shown();
        let risen = shown.iter().position(|shown| shown.value > 15.0).unwrap();
        assert!(shown[risen..].iter().all(|shown| shown.value > 5.0), "{shown:?}");
    }
}

async fn scans(server: &Server) -> f64 {
    Metrics::of(server).await.value("orphan_cleanup_scans_total", &[])
}

/// One vote a second for the shared session, while nobody ever sees two leaders.
async fn vote_until(fleet: &Fleet, end: Instant) {
    let mut second = interval(Duration::from_secs(1));
    while Instant::now() < end {
        second.tick().await;
        let line = Line::new(&Uuid::new_v4().to_string(), "yes");
        line.post().send(&fleet.instances[0]).await.expect(204);
        assert!(fleet.total("is_leader", &LEADER).await <= 1.0, "two lead");
    }
}

/// Votes for the other streamer are posted elsewhere until one shows.
async fn votes_show(overlay: &mut Recording, fleet: &Fleet, since: Instant) {
    let voting = async {
        let mut pace = interval(Duration::from_millis(100));
        loop {
            pace.tick().await;
            let line = Line::new(&Uuid::new_v4().to_string(), "yes").with("broadcaster_user_id", OTHER);
            line.post().send(&fleet.instances[0]).await.expect(204);
        }
    };
    let left = BACK_WITHIN.saturating_sub(since.elapsed());
    tokio::select! {
        () = voting => {}
        _ = overlay.shows(left, |shown| shown.value > 5.0) => {}
    }
}
