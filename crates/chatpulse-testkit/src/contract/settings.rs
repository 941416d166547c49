//! The promises of [`SettingsRepository`](chatpulse_domain::ports::settings::SettingsRepository).

use std::collections::BTreeSet;
use std::sync::Arc;

use chatpulse_domain::command::StageChange;
use chatpulse_domain::ids::{OverlayId, StreamerId};
use chatpulse_domain::look::{Look, MeasureKind, Position, Shape, Theme};
use chatpulse_domain::overlay::{Measure, OverlaySettings, SettingsVersion, Stage, VersionedSettings};
use chatpulse_domain::ports::settings::SaveOutcome;
use chatpulse_domain::sentiment::DecaySpeed;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::streamer::{Streamer, TwitchProfile};
use chatpulse_domain::window::Window;

use super::Accounts;
use crate::builders as build;

/// Checks them all; `make` gives an adapter with no accounts.
pub async fn holds(make: impl AsyncFn() -> Accounts) {
    a_stranger_has_no_settings(make().await).await;
    every_write_raises_the_version(make().await).await;
    a_write_based_on_an_older_version_changes_nothing(make().await).await;
    a_write_without_a_base_always_counts(make().await).await;
    of_writes_at_once_from_one_base_one_counts(make().await).await;
    writes_at_once_get_versions_of_their_own(make().await).await;
    what_was_typed_is_read_back(make().await).await;
    every_speed_is_read_back_exactly(make().await).await;
    every_measure_and_look_is_read_back(make().await).await;
    a_change_of_stage_is_a_write_that_makes_no_page_old(make().await).await;
    one_streamers_settings_are_not_anothers(make().await).await;
    an_overlays_seed_is_there_while_its_address_is_valid(make().await).await;
}

async fn streamer(accounts: &Accounts) -> StreamerId {
    let profile = TwitchProfile { id: build::fresh_user(), ..build::profile("Ada") };
    let tokens = build::sealed();
    accounts.streamers.sign_in(&profile, &tokens).await.unwrap().id
}

async fn an_overlays_seed_is_there_while_its_address_is_valid(accounts: Accounts) {
    let (ada, bob) = (streamer(&accounts).await, streamer(&accounts).await);
    let changed = build::settings_with_triggers(&["ja"], &["nein"]);
    save(&accounts, bob, &changed, None).await;
    let account = async |id| accounts.streamers.find(id).await.unwrap().unwrap();
    let (ada, bob) = (account(ada).await, account(bob).await);
    let asked = [bob.overlay, OverlayId::random(), ada.overlay];
    let mut seeds = accounts.settings.seeds(&asked).await.unwrap();
    seeds.sort_by_key(|seed| seed.overlay != ada.overlay);
    let seed = |account: &Streamer, settings, version| SessionSeed {
        overlay: account.overlay,
        broadcaster: account.channel(),
        settings: build::versioned(settings, version),
    };
    assert_eq!(seeds, [seed(&ada, OverlaySettings::default(), 1), seed(&bob, changed, 2)]);
    assert_eq!(accounts.settings.seeds(&[]).await.unwrap(), []);

    let rotation = accounts.streamers.rotate_overlay(ada.id).await.unwrap().unwrap();
    let seeds = accounts.settings.seeds(&[rotation.old, rotation.new]).await.unwrap();
    assert_eq!(seeds.iter().map(|seed| seed.overlay).collect::<Vec<_>>(), [rotation.new]);
}

async fn save(
    accounts: &Accounts,
    streamer: StreamerId,
    settings: &OverlaySettings,
    based_on: Option<u64>,
) -> SaveOutcome {
    let based_on = based_on.map(SettingsVersion);
    let saved = accounts.settings.save(streamer, settings, based_on);
    saved.await.unwrap()
}

async fn read(accounts: &Accounts, streamer: StreamerId) -> (OverlaySettings, u64) {
    let found = accounts.settings.find(streamer).await.unwrap().unwrap();
    (found.settings, found.version.0)
}

fn saved(version: u64) -> SaveOutcome {
    SaveOutcome::Saved(SettingsVersion(version))
}

async fn every_measure_and_look_is_read_back(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let plain = OverlaySettings::default();
    let windows = [build::window(5), build::window(120), Window::UntilReset];
    let measures = MeasureKind::ALL.iter().zip([true, false]).flat_map(|(kind, one_vote_each)| {
        windows.map(|window| Measure { kind: *kind, window, one_vote_each })
    });
    let mut all: Vec<OverlaySettings> =
        measures.map(|measure| OverlaySettings { measure, ..plain.clone() }).collect();
    let mut look = Look { for_colour: "#000000".parse().unwrap(), ..Look::default() };
    for shape in Shape::ALL {
        for theme in Theme::ALL {
            for position in Position::ALL {
                look = Look { shape: *shape, theme: *theme, position: *position, hint: !look.hint, ..look };
                (look.against_colour, look.for_colour) = (look.for_colour, look.against_colour);
                all.push(OverlaySettings { look, ..plain.clone() });
            }
        }
    }
    let look = Look::default();
    for look in
        [Look { flipped: true, ..look }, Look { counts: true, ..look }, Look { percentages: true, ..look }]
    {
        all.push(OverlaySettings { look, ..plain.clone() });
    }
    all.push(OverlaySettings { mod_commands: false, ..plain.clone() });
    for settings in all {
        save(&accounts, streamer, &settings, None).await;
        assert_eq!(read(&accounts, streamer).await.0, settings);
    }
}

async fn a_change_of_stage_is_a_write_that_makes_no_page_old(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let set = async |paused, hidden| {
        let change = StageChange { paused, hidden };
        let VersionedSettings { settings, version } =
            accounts.settings.set_stage(streamer, change).await.unwrap().unwrap();
        (settings.stage, version.0)
    };
    assert_eq!(set(Some(true), None).await, (Stage { paused: true, hidden: false }, 2));
    assert_eq!(set(None, Some(true)).await, (Stage { paused: true, hidden: true }, 3));
    // The page was made before that.
    let typed = build::settings_with_triggers(&["ja"], &["nein"]);
    assert_eq!(save(&accounts, streamer, &typed, Some(1)).await, saved(4));
    let (stored, version) = read(&accounts, streamer).await;
    assert_eq!(version, 4);
    assert_eq!(stored.stage, Stage { paused: true, hidden: true }, "saving leaves it alone");
    assert_eq!(stored.triggers, typed.triggers);
    assert_eq!(save(&accounts, streamer, &typed, Some(3)).await, SaveOutcome::Stale);
    assert_eq!(set(Some(false), Some(false)).await, (Stage::default(), 5));
    assert_eq!(save(&accounts, streamer, &typed, Some(4)).await, saved(6));
    // Who may undo nothing any more has done nothing.
    assert_eq!(set(Some(true), Some(true)).await.1, 7);
    save(&accounts, streamer, &OverlaySettings { mod_commands: false, ..typed }, None).await;
    assert_eq!(read(&accounts, streamer).await.0.stage, Stage::default());
    let nobody = accounts.settings.set_stage(StreamerId::random(), StageChange::default()).await;
    assert_eq!(nobody.unwrap(), None);
}

async fn a_stranger_has_no_settings(accounts: Accounts) {
    let stranger = StreamerId::random();
    assert_eq!(accounts.settings.find(stranger).await.unwrap(), None);
    for based_on in [None, Some(1)] {
        let outcome = save(&accounts, stranger, &OverlaySettings::default(), based_on).await;
        assert_eq!(outcome, SaveOutcome::NoStreamer);
    }
    assert_eq!(accounts.settings.find(stranger).await.unwrap(), None);
}

async fn every_write_raises_the_version(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let same = OverlaySettings::default();
    for version in 2..6 {
        let outcome = save(&accounts, streamer, &same, Some(version - 1)).await;
        assert_eq!(outcome, saved(version));
        assert_eq!(read(&accounts, streamer).await, (same.clone(), version));
    }
}

async fn a_write_based_on_an_older_version_changes_nothing(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let (mine, theirs) = (build::settings_with_decay(1.0), build::settings_with_decay(2.0));
    assert_eq!(save(&accounts, streamer, &theirs, Some(1)).await, saved(2));
    let outcome = save(&accounts, streamer, &mine, Some(1)).await;
    assert_eq!(outcome, SaveOutcome::Stale);
    assert_eq!(read(&accounts, streamer).await, (theirs, 2));
}

async fn a_write_without_a_base_always_counts(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let settings = build::settings_with_decay(1.0);
    assert_eq!(save(&accounts, streamer, &settings, None).await, saved(2));
    assert_eq!(save(&accounts, streamer, &settings, None).await, saved(3));
    let from_the_future = save(&accounts, streamer, &settings, Some(u64::MAX)).await;
    assert_eq!(from_the_future, saved(4), "only an older base is stale");
}

async fn save_at_once(accounts: &Accounts, streamer: StreamerId, based_on: Option<u64>) -> Vec<SaveOutcome> {
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let settings = Arc::clone(&accounts.settings);
            let based_on = based_on.map(SettingsVersion);
            tokio::spawn(async move {
                let same = OverlaySettings::default();
                settings.save(streamer, &same, based_on).await.unwrap()
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

async fn of_writes_at_once_from_one_base_one_counts(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let outcomes = save_at_once(&accounts, streamer, Some(1)).await;
    let stale = |outcome: &&SaveOutcome| **outcome == SaveOutcome::Stale;
    assert_eq!(outcomes.iter().filter(stale).count(), 19);
    assert!(outcomes.contains(&saved(2)));
}

async fn writes_at_once_get_versions_of_their_own(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let outcomes = save_at_once(&accounts, streamer, None).await;
    let versions: BTreeSet<u64> = outcomes
        .iter()
        .map(|outcome| match outcome {
            SaveOutcome::Saved(version) => version.0,
            refused => panic!("{refused:?} instead of saved"),
        })
        .collect();
    assert_eq!(versions, (2..22).collect());
}

async fn what_was_typed_is_read_back(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let many: Vec<String> = (0..20).map(|n| format!("Wort {n} “Ä” ß 🎭")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let odd = ["No'); DROP TABLE settings; --", "\"quoted\", [1]", "back\\slash", "tab\there"];
    let typed = OverlaySettings {
        triggers: build::triggers(&many, &odd),
        labels: build::labels("👎 Nö", &"ü".repeat(50)),
        decay: build::decay(0.1),
        ..OverlaySettings::default()
    };
    save(&accounts, streamer, &typed, None).await;
    let (found, _) = read(&accounts, streamer).await;
    assert_eq!(found, typed);
    let words: Vec<&str> = found.triggers.of(Side::For).typed().collect();
    assert_eq!(words, many, "in the order they were typed");
}

async fn every_speed_is_read_back_exactly(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    for per_second in [DecaySpeed::MIN, 0.300_000_000_000_000_04, 1.0 / 3.0, DecaySpeed::MAX] {
        let settings = build::settings_with_decay(per_second);
        save(&accounts, streamer, &settings, None).await;
        assert_eq!(read(&accounts, streamer).await.0, settings);
    }
}

async fn one_streamers_settings_are_not_anothers(accounts: Accounts) {
    let (ada, bob) = (streamer(&accounts).await, streamer(&accounts).await);
    save(&accounts, ada, &build::settings_with_decay(2.0), None).await;
    assert_eq!(read(&accounts, bob).await, (OverlaySettings::default(), 1));
}
