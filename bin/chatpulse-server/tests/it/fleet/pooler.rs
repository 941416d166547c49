//! PostgreSQL behind PgBouncer in transaction mode, as hosted services offer it.

use chatpulse_testkit::servers::postgres::PgBouncer;

use crate::support::SOON;
use crate::support::chat::Line;
use crate::support::fleet::Fleet;
use crate::support::streamer::Form;

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_start_at_once_migrate_and_serve_behind_a_pooler() {
    let mut fleet = Fleet::without_instances(0, |setup| setup).await;
    let pooler = PgBouncer::start(&fleet.postgres);
    let url = pooler.url(&fleet.database);
    let start = async || fleet.start_one_with(|setup| setup.set("DATABASE_URL", &url)).await;
    let (first, second) = tokio::join!(start(), start());
    fleet.instances.extend([first, second]);

    let mut streamer = fleet.log_in().await;
    streamer.save(&Form::default().set("left_label", "Nope")).await;
    let mut overlays = fleet.record_everywhere(&streamer).await;
    for (place, instance) in fleet.instances.iter().enumerate() {
        Line::new(&format!("Viewer{place}"), "yes").post().send(instance).await.expect(204);
    }
    for overlay in &mut overlays {
        overlay.shows(SOON, |shown| shown.value > 15.0).await;
    }
    streamer.reset().await;
    streamer.rotate().await;
    let mut elsewhere = streamer.browser.clone().moved_to(&fleet.instances[1]);
    let page = elsewhere.get("/dashboard").await.expect_page(200);
    assert!(page.body.contains("Nope") && page.body.contains(&streamer.overlay));

    let migrated = fleet.instances[0].setup().clone().arguments(&["migrate"]).run().await;
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
}
