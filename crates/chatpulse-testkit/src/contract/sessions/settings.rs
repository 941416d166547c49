//! The promises about settings: only newer ones replace a session's, and a new decay speed counts from then on.

use std::time::Duration;

use chatpulse_domain::overlay::VersionedSettings;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;
use chatpulse_domain::token_bucket::BucketLimit;

use super::{attach, seed, value};
use crate::builders as build;
use crate::contract::{Live, assert_close};

pub(super) async fn hold(make: &impl AsyncFn(Option<BucketLimit>) -> Live) {
    newer_settings_replace_the_sessions_copy(make(None).await).await;
    older_settings_change_nothing(make(None).await).await;
    a_new_speed_folds_the_value_at_the_old_one(make(None).await).await;
    attaching_with_newer_settings_replaces_them_too(make(None).await).await;
    attaching_with_older_settings_changes_nothing(make(None).await).await;
}

/// A seed with settings of version 5 and a decay speed of 0.5 per second.
fn at_version_five() -> SessionSeed {
    SessionSeed { settings: with_decay(0.5, 5), ..seed() }
}

fn with_decay(per_second: f64, version: u64) -> VersionedSettings {
    build::versioned(build::settings_with_decay(per_second), version)
}

async fn put(live: &Live, seed: &SessionSeed, settings: &VersionedSettings) -> bool {
    let put = live.sessions.put_settings(seed.overlay, settings);
    put.await.unwrap()
}

async fn settings_of(live: &Live, seed: &SessionSeed) -> VersionedSettings {
    let session = live.sessions.find(&seed.broadcaster).await.unwrap().unwrap();
    VersionedSettings::clone(&session.settings)
}

async fn newer_settings_replace_the_sessions_copy(live: Live) {
    let seed = at_version_five();
    attach(&live, &seed, "a", 1).await;
    let newer = build::versioned(build::settings_with_triggers(&["ja", "jaha"], &["nej"]), 6);
    assert!(put(&live, &seed, &newer).await);
    assert_eq!(settings_of(&live, &seed).await, newer);
}

async fn older_settings_change_nothing(live: Live) {
    let seed = at_version_five();
    attach(&live, &seed, "a", 1).await;
    for version in [4, 5] {
        assert!(!put(&live, &seed, &with_decay(2.0, version)).await);
    }
    assert_eq!(settings_of(&live, &seed).await, seed.settings);
    live.votes.push(seed.overlay, Side::For).await.unwrap();
    live.time.advance(Duration::from_secs(2)).await;
    assert_close(value(&live, seed.overlay).await.unwrap(), 10.0 * (-1.0_f64).exp());
}

async fn a_new_speed_folds_the_value_at_the_old_one(live: Live) {
    let seed = at_version_five();
    attach(&live, &seed, "a", 1).await;
    live.votes.push(seed.overlay, Side::For).await.unwrap();
    live.time.advance(Duration::from_secs(2)).await;
    assert!(put(&live, &seed, &with_decay(2.0, 6)).await);
    let folded = 10.0 * (-1.0_f64).exp();
    assert_close(value(&live, seed.overlay).await.unwrap(), folded);
    live.time.advance(Duration::from_secs(1)).await;
    assert_close(value(&live, seed.overlay).await.unwrap(), folded * (-2.0_f64).exp());
}

async fn attaching_with_newer_settings_replaces_them_too(live: Live) {
    let seed = at_version_five();
    attach(&live, &seed, "a", 1).await;
    live.votes.push(seed.overlay, Side::For).await.unwrap();
    live.time.advance(Duration::from_secs(2)).await;
    let newer = SessionSeed { settings: with_decay(2.0, 6), ..seed };
    attach(&live, &newer, "b", 1).await;
    assert_eq!(settings_of(&live, &newer).await, newer.settings);
    live.time.advance(Duration::from_secs(1)).await;
    assert_close(value(&live, newer.overlay).await.unwrap(), 10.0 * (-3.0_f64).exp());
}

async fn attaching_with_older_settings_changes_nothing(live: Live) {
    let seed = at_version_five();
    attach(&live, &seed, "a", 1).await;
    let older = SessionSeed { settings: with_decay(2.0, 4), ..seed.clone() };
    attach(&live, &older, "b", 1).await;
    assert_eq!(settings_of(&live, &seed).await, seed.settings);
}
