//! The promises of [`StreamerRepository`](chatpulse_domain::ports::streamers::StreamerRepository).

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::{OverlayId, StreamerId};
use chatpulse_domain::login::BotGrant;
use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::ports::streamers::{DeletedAccount, Rotation};
use chatpulse_domain::streamer::{Streamer, TwitchProfile};
use chatpulse_domain::time::Timestamp;

use super::Accounts;
use crate::builders as build;
use crate::clock::START_MS;

/// Checks them all; `make` gives an adapter with no accounts.
pub async fn holds(make: impl AsyncFn() -> Accounts) {
    nobody_is_found_where_nobody_logged_in(make().await).await;
    a_first_login_creates_an_account(make().await).await;
    a_new_account_has_default_settings_at_version_one(make().await).await;
    logging_in_again_updates_names_and_keeps_the_rest(make().await).await;
    logins_at_once_make_one_account(make().await).await;
    each_account_has_its_own_address(make().await).await;
    a_rotated_address_finds_nobody(make().await).await;
    rotations_at_once_replace_each_other(make().await).await;
    only_an_account_can_rotate(make().await).await;
    the_first_is_whoever_logged_in_first(make().await).await;
    names_in_any_script_come_back(make().await).await;
    the_bots_consent_is_noted_and_renewed(make().await).await;
    an_account_goes_with_all_that_belongs_to_it(make().await).await;
}

/// A profile that nobody else's test uses.
fn profile(name: &str) -> TwitchProfile {
    TwitchProfile { id: build::fresh_user(), ..build::profile(name) }
}

async fn sign_in(accounts: &Accounts, profile: &TwitchProfile) -> Streamer {
    let tokens = build::sealed();
    accounts.streamers.sign_in(profile, &tokens).await.unwrap()
}

async fn nobody_is_found_where_nobody_logged_in(accounts: Accounts) {
    let streamers = accounts.streamers;
    assert_eq!(streamers.find(StreamerId::random()).await.unwrap(), None);
    let overlay = OverlayId::random();
    assert_eq!(streamers.find_by_overlay(overlay).await.unwrap(), None);
    assert_eq!(streamers.first().await.unwrap(), None);
}

async fn a_first_login_creates_an_account(accounts: Accounts) {
    let profile = profile("Ada");
    let ada = sign_in(&accounts, &profile).await;
    assert_eq!(ada.twitch_id, profile.id);
    assert_eq!((ada.login.as_str(), ada.display_name.as_str()), ("ada", "Ada"));
    let by_id = accounts.streamers.find(ada.id).await.unwrap();
    assert_eq!(by_id.as_ref(), Some(&ada));
    let by_twitch_id = accounts.streamers.find_by_twitch_id(&ada.twitch_id).await.unwrap();
    assert_eq!(by_twitch_id, Some(ada.clone()));
    assert_eq!(accounts.streamers.find_by_twitch_id(&build::fresh_user()).await.unwrap(), None);
    let by_overlay = accounts.streamers.find_by_overlay(ada.overlay).await.unwrap();
    assert_eq!(by_overlay, Some(ada));
}

async fn a_new_account_has_default_settings_at_version_one(accounts: Accounts) {
    let ada = sign_in(&accounts, &profile("Ada")).await;
    let settings = accounts.settings.find(ada.id).await.unwrap();
    assert_eq!(settings, Some(build::versioned(OverlaySettings::default(), 1)));
}

async fn logging_in_again_updates_names_and_keeps_the_rest(accounts: Accounts) {
    let before = profile("Ada");
    let first = sign_in(&accounts, &before).await;
    let changed = build::settings_with_decay(1.5);
    accounts.settings.save(first.id, &changed, None).await.unwrap();
    let renamed = TwitchProfile { login: "countess".into(), display_name: "Countess".into(), ..before };
    let again = sign_in(&accounts, &renamed).await;
    assert_eq!((again.id, again.overlay), (first.id, first.overlay));
    assert_eq!(again.login, "countess");
    assert_eq!(accounts.streamers.find(first.id).await.unwrap(), Some(again));
    let settings = accounts.settings.find(first.id).await.unwrap();
    assert_eq!(settings, Some(build::versioned(changed, 2)));
}

async fn logins_at_once_make_one_account(accounts: Accounts) {
    let ada = profile("Ada");
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (streamers, ada) = (Arc::clone(&accounts.streamers), ada.clone());
            tokio::spawn(async move { streamers.sign_in(&ada, &build::sealed()).await.unwrap() })
        })
        .collect();
    let mut signed_in = Vec::new();
    for task in tasks {
        signed_in.push(task.await.unwrap());
    }
    assert!(signed_in.iter().all(|streamer| *streamer == signed_in[0]));
    assert_eq!(accounts.tokens.all().await.unwrap().len(), 1);
}

async fn each_account_has_its_own_address(accounts: Accounts) {
    let ada = sign_in(&accounts, &profile("Ada")).await;
    let bob = sign_in(&accounts, &profile("Bob")).await;
    assert_ne!(ada.overlay, bob.overlay);
    let found = accounts.streamers.find_by_overlay(bob.overlay).await.unwrap();
    assert_eq!(found, Some(bob));
}

async fn a_rotated_address_finds_nobody(accounts: Accounts) {
    let streamers = &accounts.streamers;
    let ada = sign_in(&accounts, &profile("Ada")).await;
    let bob = sign_in(&accounts, &profile("Bob")).await;
    let Rotation { old, new } = streamers.rotate_overlay(ada.id).await.unwrap().unwrap();
    assert_eq!(old, ada.overlay);
    assert_ne!(new, ada.overlay);
    assert_eq!(streamers.find_by_overlay(ada.overlay).await.unwrap(), None);
    let found = streamers.find_by_overlay(new).await.unwrap().unwrap();
    assert_eq!((found.id, found.overlay), (ada.id, new));
    let unmoved = streamers.find(bob.id).await.unwrap();
    assert_eq!(unmoved, Some(bob), "another's address stays");
}

async fn rotations_at_once_replace_each_other(accounts: Accounts) {
    let ada = sign_in(&accounts, &profile("Ada")).await;
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let streamers = Arc::clone(&accounts.streamers);
            tokio::spawn(async move { streamers.rotate_overlay(ada.id).await.unwrap().unwrap() })
        })
        .collect();
    let mut rotations = Vec::new();
    for task in tasks {
        rotations.push(task.await.unwrap());
    }
    // They form one chain, from the first address to the one that is valid now.
    let mut valid = ada.overlay;
    while let Some(place) = rotations.iter().position(|rotation| rotation.old == valid) {
        valid = rotations.remove(place).new;
    }
    assert_eq!(rotations, [], "none replaced an address that another had replaced before");
    assert_eq!(accounts.streamers.find(ada.id).await.unwrap().unwrap().overlay, valid);
}

async fn only_an_account_can_rotate(accounts: Accounts) {
    let rotated = accounts.streamers.rotate_overlay(StreamerId::random());
    assert_eq!(rotated.await.unwrap(), None);
}

async fn the_first_is_whoever_logged_in_first(accounts: Accounts) {
    let zoe = profile("Zoe");
    let first = sign_in(&accounts, &zoe).await;
    for name in ["Ada", "Bob", "Cleo"] {
        sign_in(&accounts, &profile(name)).await;
    }
    sign_in(&accounts, &zoe).await;
    assert_eq!(accounts.streamers.first().await.unwrap(), Some(first));
}

async fn names_in_any_script_come_back(accounts: Accounts) {
    let profile = TwitchProfile { display_name: "Ærøskøbing '; -- 🎭 さくら".into(), ..profile("x") };
    let streamer = sign_in(&accounts, &profile).await;
    let found = accounts.streamers.find(streamer.id).await.unwrap().unwrap();
    assert_eq!(found.display_name, profile.display_name);
}

async fn the_bots_consent_is_noted_and_renewed(accounts: Accounts) {
    let streamers = accounts.streamers;
    let first = BotGrant { bot: build::fresh_user(), ..build::bot_grant("Robo") };
    assert_eq!(streamers.find_bot_grant(&first.bot).await.unwrap(), None);
    streamers.record_bot_grant(&first, None).await.unwrap();
    let renewed = BotGrant {
        display_name: "Robo2".into(),
        granted_at: first.granted_at.plus(std::time::Duration::from_secs(1)),
        ..first
    };
    streamers.record_bot_grant(&renewed, None).await.unwrap();
    let found = streamers.find_bot_grant(&renewed.bot).await.unwrap();
    assert_eq!(found, Some(renewed));
    let another = streamers.find_bot_grant(&build::fresh_user()).await.unwrap();
    assert_eq!(another, None);
}

async fn an_account_goes_with_all_that_belongs_to_it(accounts: Accounts) {
    let (ada, bob) = (profile("Ada"), profile("Bob"));
    let (tokens, of_bot) = (build::sealed(), build::sealed());
    let gone = accounts.streamers.sign_in(&ada, &tokens).await.unwrap();
    let stays = sign_in(&accounts, &bob).await;
    let now = Timestamp::from_unix_ms(START_MS);
    let logins = [gone.id, stays.id].map(|id| build::login_session(id, now.plus(Duration::from_secs(1))));
    for (login, user) in logins.iter().zip([&ada.id, &bob.id]) {
        accounts.login_sessions.begin(login).await.unwrap();
        let agreed = BotGrant { bot: user.clone(), ..build::bot_grant("Bot") };
        accounts.streamers.record_bot_grant(&agreed, Some(&of_bot)).await.unwrap();
    }
    let deleted = accounts.streamers.delete(gone.id).await.unwrap();
    assert_eq!(deleted, Some(DeletedAccount { overlay: gone.overlay, tokens: vec![tokens, of_bot] }));
    assert_eq!(accounts.streamers.find(gone.id).await.unwrap(), None);
    assert_eq!(accounts.streamers.find_by_overlay(gone.overlay).await.unwrap(), None);
    assert_eq!(accounts.streamers.find_bot_grant(&ada.id).await.unwrap(), None);
    assert_eq!(accounts.settings.find(gone.id).await.unwrap(), None);
    assert_eq!(accounts.login_sessions.find(logins[0].hash, now).await.unwrap(), None);
    assert_eq!(accounts.tokens.all().await.unwrap().len(), 2, "Bob's login and his consent");
    assert_eq!(accounts.streamers.delete(gone.id).await.unwrap(), None);
    // Nobody else's.
    assert!(accounts.streamers.find_bot_grant(&bob.id).await.unwrap().is_some());
    assert!(accounts.login_sessions.find(logins[1].hash, now).await.unwrap().is_some());
    assert_eq!(accounts.streamers.find(stays.id).await.unwrap(), Some(stays));
    // Coming back is a first login.
    let again = sign_in(&accounts, &ada).await;
    assert_ne!((again.id, again.overlay), (gone.id, gone.overlay));
}
