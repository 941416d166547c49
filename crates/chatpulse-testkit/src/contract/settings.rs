//! The promises of [`SettingsRepository`](chatpulse_domain::ports::settings::SettingsRepository).

use std::collections::BTreeSet;
use std::sync::Arc;

use chatpulse_domain::appearance::{Shape, Theme, VerticalPosition};
use chatpulse_domain::command::PauseChange;
use chatpulse_domain::document::{Document, Value};
use chatpulse_domain::ids::{OverlayId, StreamerId};
use chatpulse_domain::mode::Mode;
use chatpulse_domain::overlay::{
    OverlaySettings, PauseState, SettingsVersion, StoredSettings, VersionedSettings,
};
use chatpulse_domain::ports::settings::SaveOutcome;
use chatpulse_domain::sentiment::DecaySpeed;
use chatpulse_domain::session::SessionSeed;
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
    every_mode_and_appearance_is_read_back(make().await).await;
    fields_of_a_newer_version_are_kept(make().await).await;
    a_change_of_the_pause_state_is_a_write_that_makes_no_page_stale(make().await).await;
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

fn saved(settings: &OverlaySettings, version: u64) -> SaveOutcome {
    SaveOutcome::Saved(build::versioned(settings.clone(), version))
}

async fn every_mode_and_appearance_is_read_back(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let plain = OverlaySettings::default();
    let windows = [build::window(5), build::window(120), Window::UntilReset];
    let mut all: Vec<OverlaySettings> = Vec::new();
    for (mode, one_vote_each) in Mode::ALL.iter().copied().zip([true, false]) {
        all.extend(
            windows.map(|window| OverlaySettings { mode, one_vote_each, ..plain.clone() }.over(window)),
        );
    }
    let mut settings = OverlaySettings { for_colour: "#000000".parse().unwrap(), ..plain.clone() };
    for (shape, theme) in
        Shape::ALL.iter().flat_map(|shape| Theme::ALL.iter().map(move |theme| (shape, theme)))
    {
        for position in VerticalPosition::ALL {
            (settings.shape, settings.theme, settings.position) = (*shape, *theme, *position);
            settings.hint = !settings.hint;
            (settings.against_colour, settings.for_colour) = (settings.for_colour, settings.against_colour);
            all.push(settings.clone());
        }
    }
    all.push(OverlaySettings { flipped: true, ..plain.clone() });
    all.push(OverlaySettings { counts: true, ..plain.clone() });
    all.push(OverlaySettings { percentages: true, ..plain.clone() });
    all.push(OverlaySettings { mod_commands: false, ..plain.clone() });
    for settings in all {
        save(&accounts, streamer, &settings, None).await;
        assert_eq!(read(&accounts, streamer).await.0, settings);
    }
}

async fn fields_of_a_newer_version_are_kept(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let newer = Document::from([
        ("mood".to_owned(), Value::Text("storm".to_owned())),
        ("levels".to_owned(), Value::List(vec![Value::Unsigned(1), Value::Float(0.5), Value::Null])),
    ]);
    let StoredSettings { settings, .. } = newer.into();
    assert_ne!(settings, OverlaySettings::default());
    save(&accounts, streamer, &settings, None).await;
    let found = accounts.settings.find(streamer).await.unwrap().unwrap().settings;
    save(&accounts, streamer, &OverlaySettings { hint: true, ..found }, None).await;
    let account = accounts.streamers.find(streamer).await.unwrap().unwrap();
    let [seed] = accounts.settings.seeds(&[account.overlay]).await.unwrap().try_into().unwrap();
    assert_eq!(seed.settings.settings, OverlaySettings { hint: true, ..settings });
}

async fn a_change_of_the_pause_state_is_a_write_that_makes_no_page_stale(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let set = async |paused, hidden| {
        let change = PauseChange { paused, hidden };
        let stored = accounts.settings.change_pause(streamer, change).await.unwrap().unwrap();
        assert_eq!(accounts.settings.find(streamer).await.unwrap().unwrap(), stored);
        (stored.pause_state, stored.version.0)
    };
    let both = PauseState { paused: true, hidden: true };
    assert_eq!(set(Some(true), None).await, (PauseState { paused: true, hidden: false }, 2));
    assert_eq!(set(None, Some(true)).await, (both, 3));
    // The page was made before that.
    let typed = build::settings_with_triggers(&["ja"], &["nein"]);
    let stored = VersionedSettings { pause_state: both, ..build::versioned(typed.clone(), 4) };
    let outcome = save(&accounts, streamer, &typed, Some(1)).await;
    assert_eq!(outcome, SaveOutcome::Saved(stored.clone()), "saving leaves it alone");
    assert_eq!(accounts.settings.find(streamer).await.unwrap().unwrap(), stored);
    assert_eq!(save(&accounts, streamer, &typed, Some(3)).await, SaveOutcome::Stale(stored));
    assert_eq!(set(Some(false), Some(false)).await, (PauseState::default(), 5));
    assert_eq!(save(&accounts, streamer, &typed, Some(4)).await, saved(&typed, 6));
    // Without the commands nobody in chat could undo it.
    assert_eq!(set(Some(true), Some(true)).await.1, 7);
    let without = OverlaySettings { mod_commands: false, ..typed };
    assert_eq!(save(&accounts, streamer, &without, None).await, saved(&without, 8));
    let nobody = accounts.settings.change_pause(StreamerId::random(), PauseChange::default()).await;
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
        assert_eq!(outcome, saved(&same, version));
        assert_eq!(read(&accounts, streamer).await, (same.clone(), version));
    }
}

async fn a_write_based_on_an_older_version_changes_nothing(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let (mine, theirs) = (build::settings_with_decay(1.0), build::settings_with_decay(2.0));
    assert_eq!(save(&accounts, streamer, &theirs, Some(1)).await, saved(&theirs, 2));
    let outcome = save(&accounts, streamer, &mine, Some(1)).await;
    assert_eq!(outcome, SaveOutcome::Stale(build::versioned(theirs.clone(), 2)));
    assert_eq!(read(&accounts, streamer).await, (theirs, 2));
}

async fn a_write_without_a_base_always_counts(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let settings = build::settings_with_decay(1.0);
    assert_eq!(save(&accounts, streamer, &settings, None).await, saved(&settings, 2));
    assert_eq!(save(&accounts, streamer, &settings, None).await, saved(&settings, 3));
    let from_the_future = save(&accounts, streamer, &settings, Some(u64::MAX)).await;
    assert_eq!(from_the_future, saved(&settings, 4), "only an older base is stale");
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
    let stored = build::versioned(OverlaySettings::default(), 2);
    let stale = |outcome: &&SaveOutcome| **outcome == SaveOutcome::Stale(stored.clone());
    assert_eq!(outcomes.iter().filter(stale).count(), 19);
    assert!(outcomes.contains(&SaveOutcome::Saved(stored.clone())));
}

async fn writes_at_once_get_versions_of_their_own(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let outcomes = save_at_once(&accounts, streamer, None).await;
    let versions: BTreeSet<u64> = outcomes
        .iter()
        .map(|outcome| match outcome {
            SaveOutcome::Saved(stored) => stored.version.0,
            refused => panic!("{refused:?} instead of saved"),
        })
        .collect();
    assert_eq!(versions, (2..22).collect());
}

async fn what_was_typed_is_read_back(accounts: Accounts) {
    let streamer = streamer(&accounts).await;
    let many: Vec<String> = (0..20).map(|n| format!("Wort {n} “Ä” ß 🎭")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let hostile = ["No'); DROP TABLE configs; --", "\"quoted\", [1]", "back\\slash", "percent%s"];
    let typed = OverlaySettings {
        for_triggers: build::triggers(&many),
        against_triggers: build::triggers(&hostile),
        left_label: build::label("👎 Nö"),
        right_label: build::label(&"ü".repeat(50)),
        decay_speed: build::decay(0.1),
        ..OverlaySettings::default()
    };
    save(&accounts, streamer, &typed, None).await;
    let (found, _) = read(&accounts, streamer).await;
    assert_eq!(found, typed);
    let words: Vec<&str> = found.for_triggers.typed().collect();
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
