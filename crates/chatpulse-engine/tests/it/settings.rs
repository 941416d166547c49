use std::sync::{Arc, Mutex};
use std::time::Duration;

use chatpulse_domain::overlay::SettingsVersion;
use chatpulse_domain::ports::chat_sink::ChatOutcome;
use chatpulse_domain::ports::sessions::SessionStore as _;
use chatpulse_domain::ports::settings::{SaveOutcome, SettingsRepository as _};
use chatpulse_domain::ports::signals::{Signal, Signals as _};
use chatpulse_engine::sessions::{DriftReport, Watcher};
use chatpulse_testkit::builders as build;

use crate::world::world;

#[tokio::test]
async fn saved_triggers_count_from_the_next_message_on() {
    let world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    assert_eq!(world.engine.pipeline.handle(&world.message("ja")).await, ChatOutcome::NoMatch);
    let settings = build::settings_with_triggers(&["ja"], &["nein"]);
    let saved =
        world.engine.settings.save(&world.streamer, &settings, Some(SettingsVersion(1))).await.unwrap();
    assert_eq!(saved, SaveOutcome::Saved(build::versioned(settings, 2)));
    assert!(matches!(world.engine.pipeline.handle(&world.message("ja")).await, ChatOutcome::Applied { .. }));
    assert_eq!(world.engine.pipeline.handle(&world.message("yes")).await, ChatOutcome::NoMatch);
}

#[tokio::test]
async fn a_save_from_an_old_page_changes_nothing() {
    let world = world().await;
    let save = async |words: [&'static str; 2]| {
        let settings = build::settings_with_triggers(&[words[0]], &[words[1]]);
        let based_on = Some(SettingsVersion(1));
        world.engine.settings.save(&world.streamer, &settings, based_on).await.unwrap()
    };
    let first = build::versioned(build::settings_with_triggers(&["1"], &["2"]), 2);
    assert_eq!(save(["1", "2"]).await, SaveOutcome::Saved(first.clone()));
    assert_eq!(save(["3", "4"]).await, SaveOutcome::Stale(first));
}

#[tokio::test]
async fn saving_before_any_overlay_is_open_makes_no_session() {
    let world = world().await;
    let settings = build::settings_with_triggers(&["1"], &["2"]);
    world.engine.settings.save(&world.streamer, &settings, None).await.unwrap();
    world.engine.bar.reset(&world.streamer).await.unwrap();
    assert_eq!(world.viewers().await, None);
    let _open = world.open(Watcher::Viewer).await;
    assert!(matches!(world.engine.pipeline.handle(&world.message("1")).await, ChatOutcome::Applied { .. }));
}

/// What an instance says again to an emptied Redis must be what the streamer saved last, at whichever instance.
#[tokio::test(start_paused = true)]
async fn what_was_saved_elsewhere_is_what_is_held_from_then_on() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    let (overlay, broadcaster) = (world.streamer.overlay, world.streamer.channel());
    let saved = build::versioned(build::settings_with_triggers(&["ja"], &["nein"]), 7);
    world.live.put_settings(overlay, &saved).await.unwrap();
    let signals = world.signals.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        signals.publish(Signal::SettingsChanged { overlay, broadcaster });
    });
    world.keep_house(Duration::from_secs(3)).await;
    world.accounts.break_down();
    let seed = world.engine.sessions.find(overlay).await.unwrap().unwrap();
    assert_eq!(seed.settings, saved);
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_compares_settings() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.leader.set(false);
    let settings = build::settings_with_triggers(&["ja"], &["nein"]);
    world.accounts.settings.save(world.streamer.id, &settings, None).await.unwrap();
    world.on_drift(|report: &DriftReport| panic!("nobody asked: {report:?}"));
    world.keep_house(Duration::from_mins(6)).await;
}

#[tokio::test(start_paused = true)]
async fn settings_that_did_not_reach_the_live_session_are_brought_to_it() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.live.break_down();
    let settings = build::settings_with_triggers(&["ja"], &["nein"]);
    let saved = world.engine.settings.save(&world.streamer, &settings, None).await.unwrap();
    let stored = SaveOutcome::Saved(build::versioned(settings, 2));
    assert_eq!(saved, stored, "the database has it, so it is saved");
    world.live.recover();
    let reports = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&reports);
    world.on_drift(move |report: &DriftReport| heard.lock().unwrap().push(*report));
    world.keep_house(Duration::from_mins(6)).await;
    assert_eq!(*reports.lock().unwrap(), [DriftReport { detected: 1, fixed: 1 }]);
    let session = world.live.find(&world.streamer.channel()).await.unwrap().unwrap();
    assert_eq!(session.settings.version, SettingsVersion(2));
}
