//! PostgreSQL is unavailable for 20 s: overlays keep working, and no user is logged out.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::support::browser::{Answer, Browser};
use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::load::Load;
use crate::support::overlay::Overlay;
use crate::support::recording::Recording;
use crate::support::streamer::Streamer;
use crate::support::{SOON, within};

const OUTAGE: Duration = Duration::from_secs(20);
const RECOVERED_WITHIN: Duration = Duration::from_secs(5);
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_votes_count_overlays_go_on_and_logins_outlive_it() {
    let mut fleet = Fleet::start().await;
    let streamer = fleet.log_in().await;
    let mut overlays = fleet.record_everywhere(&streamer).await;
    fleet.postgres.stop();
    let began_at = Instant::now();
    let load = Load::on(&fleet.instances, Duration::from_millis(200));
    for overlay in &mut overlays {
        overlay.shows(SOON, |shown| shown.value > 15.0).await;
    }
    for place in 0..fleet.instances.len() {
        says_that_storage_is_away(&fleet, place, &streamer).await;
        stays_behind_its_load_balancer(&fleet, place).await;
    }
    // By now every memory of sessions has been renewed once.
    sleep_until(began_at + OUTAGE).await;
    let posted = load.end_answered_within(ANSWERED_WITHIN).await;
    assert_eq!(fleet.counted("applied").await, posted);
    for overlay in &overlays {
        assert!(overlay.shown().iter().all(|shown| shown.status == "active"));
    }
    votes_show(&fleet, &mut overlays).await;

    fleet.postgres.restart();
    let back_at = Instant::now();
    for place in 0..fleet.instances.len() {
        let left = RECOVERED_WITHIN.saturating_sub(back_at.elapsed());
        within(left, "the same login works again", async || {
            let answer = dashboard(&fleet, place, &streamer).await;
            assert_ne!(answer.status, 302, "nobody is logged out");
            (answer.status == 200 && unknown_overlay(&fleet, place).await.status == 404).then_some(())
        })
        .await;
    }
    println!("recovered after {:?}", back_at.elapsed());
}

async fn dashboard(fleet: &Fleet, place: usize, streamer: &Streamer) -> Answer {
    streamer.browser.clone().moved_to(&fleet.instances[place]).get("/dashboard").await
}

async fn unknown_overlay(fleet: &Fleet, place: usize) -> Answer {
    Browser::at(&fleet.instances[place]).get(&format!("/overlay/{}", Uuid::new_v4())).await
}

async fn says_that_storage_is_away(fleet: &Fleet, place: usize, streamer: &Streamer) {
    let page = dashboard(fleet, place, streamer).await.expect_page(503);
    assert!(page.body.contains("still logged in"), "{page:?}");
    let cookie_is_kept = page.set_cookies().is_empty();
    assert!(cookie_is_kept, "{page:?}");
    let page = unknown_overlay(fleet, place).await.expect_page(503);
    assert!(page.header("retry-after").parse::<u32>().unwrap() > 0, "{page:?}");
    // It shows on stream: transparent, without words, and it looks again by itself.
    assert!(page.body.contains("overlay-sign") && page.body.contains("data-retry=\"5\""), "{page:?}");
    assert!(page.body.len() < 4_096 && !page.body.contains("overlay-note"), "{page:?}");
    let open = format!("/overlay/{}", streamer.overlay);
    Browser::at(&fleet.instances[place]).get(&open).await.expect_page(200);
}

/// A database that all instances share must not take all of them out at once.
async fn stays_behind_its_load_balancer(fleet: &Fleet, place: usize) {
    let mut browser = Browser::at(&fleet.instances[place]);
    let ready = browser.get("/health/ready").await.expect(503).json();
    assert_eq!(ready["failed_check"], "postgres");
    let serving = browser.get("/health/serving").await.expect(200).json();
    assert_eq!(serving["status"], "serving");
}

/// One from each instance.
async fn votes_show(fleet: &Fleet, overlays: &mut [Recording]) {
    for instance in &fleet.instances {
        let (chatter, posted_at) = (Uuid::new_v4().to_string(), Instant::now());
        Line::new(&chatter, "no").post().send(instance).await.expect(204);
        for overlay in overlays.iter_mut() {
            overlay.shows(SOON, |shown| shown.at > posted_at).await;
        }
    }
}

#[tokio::test]
async fn an_overlay_that_redis_knows_opens_at_any_instance_without_postgresql() {
    let mut fleet = Fleet::start().await;
    let streamer = fleet.log_in().await;
    let _elsewhere = streamer.open_overlay(&fleet.instances[0]).await;
    fleet.postgres.stop();
    let page = format!("/overlay/{}", streamer.overlay);
    Browser::at(&fleet.instances[1]).get(&page).await.expect_page(200);
    let socket = format!("/ws/overlay/{}", streamer.overlay);
    assert_eq!(Overlay::try_open(&fleet.instances[1], &socket).await.err(), None);
}
