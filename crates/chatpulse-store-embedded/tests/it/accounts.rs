//! Accounts, settings, logins and subscriptions in SQLite, also after a restart and a crash.

use std::time::Duration;

use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::tokens::{StoredTokens, TokenOwner};
use chatpulse_domain::time::Timestamp;
use chatpulse_store_embedded::SqliteFile;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::clock::START_MS;
use chatpulse_testkit::contract;
use rusqlite::Connection;

use crate::support::{accounts_in, fresh_accounts};

#[tokio::test(flavor = "multi_thread")]
async fn streamers_keep_the_contract() {
    contract::streamers::holds(fresh_accounts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_keep_the_contract() {
    contract::settings::holds(fresh_accounts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn login_sessions_keep_the_contract() {
    contract::login_sessions::holds(fresh_accounts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn login_claims_keep_the_contract() {
    contract::login_claims::holds(fresh_accounts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_keep_the_contract() {
    contract::subscriptions::holds(fresh_accounts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_keep_the_contract() {
    contract::tokens::holds(fresh_accounts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_token_keeps_the_contract() {
    contract::app_token::holds(fresh_accounts).await;
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chatpulse.db");
    let now = Timestamp::from_unix_ms(START_MS);

    let file = SqliteFile::open(&path).await.unwrap();
    let before = accounts_in(&file);
    let tokens = build::sealed();
    let ada = before.streamers.sign_in(&build::profile("Ada"), &tokens).await.unwrap();
    let settings = build::settings_with_triggers(&["ja"], &["nein", "nö"]);
    before.settings.save(ada.id, &settings, None).await.unwrap();
    let login = build::login_session(ada.id, now.plus(Duration::from_mins(1)));
    before.login_sessions.begin(&login).await.unwrap();
    let subscription = build::subscription(&ada.channel());
    before.subscriptions.put(&subscription).await.unwrap();
    assert!(before.subscriptions.replace_conduit(None, &build::conduit("ours")).await.unwrap());
    file.close().await;

    let file = SqliteFile::open(&path).await.unwrap();
    let after = accounts_in(&file);
    assert_eq!(after.streamers.first().await.unwrap().as_ref(), Some(&ada));
    let kept = StoredTokens { owner: TokenOwner::Streamer(ada.id), user: ada.twitch_id, sealed: tokens };
    assert_eq!(after.tokens.all().await.unwrap(), [kept]);
    let found = after.settings.find(ada.id).await.unwrap();
    assert_eq!(found, Some(build::versioned(settings, 2)));
    let found = after.login_sessions.find(login.hash, now).await.unwrap();
    assert_eq!(found, Some(login));
    assert_eq!(after.subscriptions.all().await.unwrap(), [subscription]);
    assert_eq!(after.subscriptions.conduit().await.unwrap(), Some(build::conduit("ours")));
}

/// A copy of the files while the server runs is what a crash leaves.
#[tokio::test]
async fn a_crash_keeps_every_answered_write() {
    let (running, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = SqliteFile::open(running.path().join("chatpulse.db")).await.unwrap();
    let streamers = accounts_in(&file).streamers;
    let ada = streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let rotated = streamers.rotate_overlay(ada.id).await.unwrap().unwrap();
    for name in ["chatpulse.db", "chatpulse.db-wal"] {
        std::fs::copy(running.path().join(name), crashed.path().join(name)).unwrap();
    }
    let file = SqliteFile::open(crashed.path().join("chatpulse.db")).await.unwrap();
    let found = accounts_in(&file).streamers.find_by_overlay(rotated.new).await.unwrap();
    assert_eq!(found.unwrap().id, ada.id);
}

#[tokio::test]
async fn a_login_of_an_unknown_streamer_is_refused() {
    let accounts = fresh_accounts().await;
    let login = build::login_session(chatpulse_domain::ids::StreamerId::random(), Timestamp::from_unix_ms(0));
    let refused = accounts.login_sessions.begin(&login).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn a_malformed_value_is_corrupt_and_names_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chatpulse.db");
    let file = SqliteFile::open(&path).await.unwrap();
    let accounts = accounts_in(&file);
    let ada = accounts.streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let by_hand = Connection::open(&path).unwrap();
    by_hand.execute("UPDATE users SET twitch_id = ''", []).unwrap();
    match accounts.settings.seeds(&[ada.overlay]).await {
        Err(StoreError::Corrupt { place, .. }) => assert_eq!(place, "users.twitch_id"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_invalid_field_reads_as_its_default() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chatpulse.db");
    let file = SqliteFile::open(&path).await.unwrap();
    let accounts = accounts_in(&file);
    let ada = accounts.streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let by_hand = Connection::open(&path).unwrap();
    let invalid =
        r#"json_patch(settings, '{"for_triggers": [1], "decay_speed": 3.5, "theme": 7, "hint": true}')"#;
    by_hand.execute(&format!("UPDATE configs SET settings = {invalid}"), []).unwrap();
    let expected = OverlaySettings { hint: true, ..OverlaySettings::default() };
    let [seed] = accounts.settings.seeds(&[ada.overlay]).await.unwrap().try_into().unwrap();
    assert_eq!(seed.settings, build::versioned(expected, 1));
    for no_document in ["'[]'", "'{'"] {
        let refused = by_hand.execute(&format!("UPDATE configs SET settings = {no_document}"), []);
        assert!(refused.is_err(), "the schema wants an object, not {no_document}");
    }
}
