//! Accounts, settings, logins and subscriptions in PostgreSQL.

use std::time::Duration;

use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::overlay::{OverlaySettings, SettingsVersion};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::settings::SaveOutcome;
use chatpulse_domain::time::Timestamp;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::contract;
use chatpulse_testkit::servers::postgres::Database;

use crate::support::{Databases, accounts_on, migrated};

#[tokio::test(flavor = "multi_thread")]
async fn streamers_keep_the_contract() {
    let databases = Databases::default();
    contract::streamers::holds(async || databases.accounts().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_keep_the_contract() {
    let databases = Databases::default();
    contract::settings::holds(async || databases.accounts().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn login_sessions_keep_the_contract() {
    let databases = Databases::default();
    contract::login_sessions::holds(async || databases.accounts().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn login_claims_keep_the_contract() {
    let databases = Databases::default();
    contract::login_claims::holds(async || databases.accounts().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_keep_the_contract() {
    let databases = Databases::default();
    contract::subscriptions::holds(async || databases.accounts().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_keep_the_contract() {
    let databases = Databases::default();
    contract::tokens::holds(async || databases.accounts().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_token_keeps_the_contract() {
    let databases = Databases::default();
    contract::app_token::holds(async || databases.accounts().await).await;
}

/// Two pools stand for two instances.
#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_saves_on_two_instances_one_succeeds() {
    let database = Database::fresh().await;
    let instances = [accounts_on(&migrated(&database).await), accounts_on(&migrated(&database).await)];
    let ada = instances[0].streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let saves: Vec<_> = (0..20_usize)
        .map(|number| {
            let settings = instances[number % 2].settings.clone();
            let typed = build::settings_with_triggers(&[&format!("yes {number}")], &["no"]);
            tokio::spawn(async move {
                let outcome = settings.save(ada.id, &typed, Some(SettingsVersion(1))).await.unwrap();
                (outcome, typed)
            })
        })
        .collect();
    let (mut counted, mut stale) = (Vec::new(), Vec::new());
    for save in saves {
        match save.await.unwrap() {
            (SaveOutcome::Saved(stored), typed) => counted.push((stored, typed)),
            (SaveOutcome::Stale(stored), _) => stale.push(stored),
            (outcome, _) => panic!("{outcome:?}"),
        }
    }
    let [(stored, typed)] = counted.try_into().unwrap();
    assert_eq!(stored, build::versioned(typed.clone(), 2));
    assert_eq!(stale, vec![stored; 19], "a stale save returns what the other one wrote");
    for instance in &instances {
        let found = instance.settings.find(ada.id).await.unwrap();
        assert_eq!(found, Some(build::versioned(typed.clone(), 2)));
    }
}

/// An instance may have read the stored version, so a manual correction needs a new version too.
#[tokio::test]
async fn a_manual_write_raises_the_version_whatever_it_sets() {
    let database = Database::fresh().await;
    let accounts = accounts_on(&migrated(&database).await);
    let ada = accounts.streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let by_hand = database.connect().await;
    let label = "settings = jsonb_set(settings, '{left_label}', '\"Nope\"')";
    for change in [label, "version = 1", "version = 900", "hidden = true", "edited_version = edited_version"]
    {
        by_hand.execute(&format!("UPDATE configs SET {change}"), &[]).await.unwrap();
    }
    let found = accounts.settings.find(ada.id).await.unwrap().unwrap();
    assert_eq!(found.version, SettingsVersion(6));
    assert_eq!(found.settings.left_label.as_str(), "Nope");
    // A page from before the label was corrected is stale; one from after that is not.
    let stale = accounts.settings.save(ada.id, &found.settings, Some(SettingsVersion(1))).await;
    assert_eq!(stale.unwrap(), SaveOutcome::Stale(found.clone()));
    let saved = accounts.settings.save(ada.id, &found.settings, Some(SettingsVersion(2))).await;
    assert!(matches!(saved.unwrap(), SaveOutcome::Saved(_)));
}

#[tokio::test]
async fn a_login_of_an_unknown_streamer_is_refused_without_quoting_the_row() {
    let database = Database::fresh().await;
    let accounts = accounts_on(&migrated(&database).await);
    let login = build::login_session(StreamerId::random(), Timestamp::from_unix_ms(0));
    match accounts.login_sessions.begin(&login).await {
        Err(StoreError::Unavailable { source, .. }) => {
            let words = format!("{source:?}");
            assert!(words.contains("foreign key"), "{words}");
            assert!(!words.contains(&login.streamer.to_string()), "{words}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_time_out_of_range_is_an_error_and_no_panic() {
    let database = Database::fresh().await;
    let accounts = accounts_on(&migrated(&database).await);
    let ada = accounts.streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let fits_the_wire_but_not_the_calendar = i64::MAX / 1_000 + 946_684_000_000;
    for unix_ms in [i64::MAX, i64::MIN, fits_the_wire_but_not_the_calendar] {
        let login = build::login_session(ada.id, Timestamp::from_unix_ms(unix_ms));
        assert!(accounts.login_sessions.begin(&login).await.is_err(), "{unix_ms}");
    }
    let login = build::login_session(ada.id, Timestamp::from_unix_ms(1).plus(Duration::from_secs(1)));
    accounts.login_sessions.begin(&login).await.unwrap();
}

#[tokio::test]
async fn an_invalid_field_reads_as_its_default() {
    let database = Database::fresh().await;
    let accounts = accounts_on(&migrated(&database).await);
    let ada = accounts.streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let by_hand = database.connect().await;
    let invalid =
        r#"settings = settings || '{"for_triggers": [null], "decay_speed": 3.5, "theme": 7, "hint": true}'"#;
    by_hand.execute(&format!("UPDATE configs SET {invalid}"), &[]).await.unwrap();
    let expected = OverlaySettings { hint: true, ..OverlaySettings::default() };
    let [seed] = accounts.settings.seeds(&[ada.overlay]).await.unwrap().try_into().unwrap();
    assert_eq!(seed.settings, build::versioned(expected, 2));
    let no_document = "UPDATE configs SET settings = '[]'";
    assert!(by_hand.execute(no_document, &[]).await.is_err(), "the schema wants an object");
}

#[tokio::test]
async fn a_malformed_value_is_corrupt_and_names_its_place() {
    let database = Database::fresh().await;
    let accounts = accounts_on(&migrated(&database).await);
    let ada = accounts.streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let by_hand = database.connect().await;
    by_hand.execute("UPDATE users SET twitch_id = ''", &[]).await.unwrap();
    match accounts.settings.seeds(&[ada.overlay]).await {
        Err(StoreError::Corrupt { place, .. }) => assert_eq!(place, "users.twitch_id"),
        other => panic!("{other:?}"),
    }
}
