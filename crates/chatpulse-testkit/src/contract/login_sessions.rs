//! The promises of [`LoginSessions`](chatpulse_domain::ports::login_sessions::LoginSessions).

use std::time::Duration;

use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::{LoginHash, LoginSession};
use chatpulse_domain::streamer::TwitchProfile;
use chatpulse_domain::time::Timestamp;

use super::Accounts;
use crate::builders as build;
use crate::clock::START_MS;

const NOW: Timestamp = Timestamp::from_unix_ms(START_MS);
const A_WEEK: Duration = Duration::from_hours(168);
const A_MOMENT: Duration = Duration::from_millis(1);

/// Checks them all; `make` gives an adapter with no logins.
pub async fn holds(make: impl AsyncFn() -> Accounts) {
    a_login_lives_until_it_expires_and_not_a_moment_longer(make().await).await;
    an_unknown_hash_is_nobodys(make().await).await;
    an_ended_login_is_dead_for_every_copy(make().await).await;
    ending_all_ends_all_of_one_streamers(make().await).await;
    ending_what_is_not_there_is_fine(make().await).await;
    deleting_expired_logins_leaves_the_others(make().await).await;
    a_login_is_kept_as_it_began(make().await).await;
    the_logins_of_a_streamer_are_listed_newest_first(make().await).await;
    who_is_logged_in_is_listed_once(make().await).await;
    a_state_is_spent_once(make().await).await;
    of_calls_at_once_one_spends_the_state(make().await).await;
    expired_states_are_deleted(make().await).await;
}

async fn streamer(accounts: &Accounts) -> StreamerId {
    let profile = TwitchProfile { id: build::fresh_user(), ..build::profile("Ada") };
    let tokens = build::sealed();
    accounts.streamers.sign_in(&profile, &tokens).await.unwrap().id
}

async fn begin(accounts: &Accounts, streamer: StreamerId, expires_at: Timestamp) -> LoginSession {
    let session = build::login_session(streamer, expires_at);
    accounts.login_sessions.begin(&session).await.unwrap();
    session
}

async fn find(accounts: &Accounts, session: &LoginSession, now: Timestamp) -> Option<StreamerId> {
    accounts.login_sessions.find(session.hash, now).await.unwrap().map(|session| session.streamer)
}

async fn a_login_is_kept_as_it_began(accounts: Accounts) {
    let ada = streamer(&accounts).await;
    let end = NOW.plus(A_WEEK);
    let new = LoginSession { browser: "Größe <b>".to_owned(), ..build::login_session(ada, end) };
    let old = LoginSession { started_at: None, browser: String::new(), ..build::login_session(ada, end) };
    for session in [new, old] {
        accounts.login_sessions.begin(&session).await.unwrap();
        let found = accounts.login_sessions.find(session.hash, NOW).await.unwrap();
        assert_eq!(found, Some(session));
    }
}

async fn the_logins_of_a_streamer_are_listed_newest_first(accounts: Accounts) {
    let (ada, bob) = (streamer(&accounts).await, streamer(&accounts).await);
    begin(&accounts, bob, NOW.plus(A_WEEK)).await;
    begin(&accounts, ada, NOW).await;
    let began = |started_at| LoginSession { started_at, ..build::login_session(ada, NOW.plus(A_WEEK)) };
    let (older, newer, unknown) = (began(Some(NOW)), began(Some(NOW.plus(A_MOMENT))), began(None));
    for session in [&older, &unknown, &newer] {
        accounts.login_sessions.begin(session).await.unwrap();
    }
    let listed = accounts.login_sessions.all_of(ada, NOW).await.unwrap();
    assert_eq!(listed, [newer, older, unknown], "without expired ones");
    assert_eq!(accounts.login_sessions.all_of(ada, NOW.plus(A_WEEK)).await.unwrap(), []);
}

async fn who_is_logged_in_is_listed_once(accounts: Accounts) {
    let (ada, bob, eve) = (streamer(&accounts).await, streamer(&accounts).await, streamer(&accounts).await);
    begin(&accounts, eve, NOW).await;
    begin(&accounts, ada, NOW.plus(A_WEEK)).await;
    begin(&accounts, ada, NOW.plus(A_WEEK)).await;
    let later = Some(NOW.plus(A_MOMENT));
    let bobs = LoginSession { started_at: later, ..build::login_session(bob, NOW.plus(A_WEEK)) };
    accounts.login_sessions.begin(&bobs).await.unwrap();
    assert_eq!(accounts.login_sessions.streamers(NOW).await.unwrap(), [bob, ada]);
}

async fn a_state_is_spent_once(accounts: Accounts) {
    let (logins, end) = (&accounts.login_sessions, NOW.plus(A_WEEK));
    let (one, other) = (LoginHash([1; 32]), LoginHash([2; 32]));
    assert!(!logins.is_spent(one, NOW).await.unwrap());
    assert!(logins.spend_state(one, end).await.unwrap());
    assert!(!logins.spend_state(one, end).await.unwrap());
    assert!(logins.is_spent(one, NOW).await.unwrap() && !logins.is_spent(one, end).await.unwrap());
    assert!(!logins.is_spent(other, NOW).await.unwrap());
    assert!(logins.spend_state(other, end).await.unwrap());
}

async fn of_calls_at_once_one_spends_the_state(accounts: Accounts) {
    let spending = (0..8).map(|_| {
        let logins = accounts.login_sessions.clone();
        tokio::spawn(async move { logins.spend_state(LoginHash([1; 32]), NOW).await.unwrap() })
    });
    let mut spent = 0;
    for call in spending.collect::<Vec<_>>() {
        spent += usize::from(call.await.unwrap());
    }
    assert_eq!(spent, 1);
}

async fn expired_states_are_deleted(accounts: Accounts) {
    let logins = &accounts.login_sessions;
    let (over, alive) = (LoginHash([1; 32]), LoginHash([2; 32]));
    assert!(logins.spend_state(over, NOW).await.unwrap());
    assert!(logins.spend_state(alive, NOW.plus(A_MOMENT)).await.unwrap());
    assert_eq!(logins.delete_expired(NOW).await.unwrap(), 0, "only logins are counted");
    assert!(logins.spend_state(over, NOW).await.unwrap(), "forgotten");
    assert!(logins.is_spent(alive, NOW).await.unwrap());
}

async fn a_login_lives_until_it_expires_and_not_a_moment_longer(accounts: Accounts) {
    let ada = streamer(&accounts).await;
    let end = NOW.plus(A_WEEK);
    let session = begin(&accounts, ada, end).await;
    assert_eq!(find(&accounts, &session, NOW).await, Some(ada));
    assert_eq!(find(&accounts, &session, end.minus(A_MOMENT)).await, Some(ada));
    assert_eq!(find(&accounts, &session, end).await, None);
    assert_eq!(find(&accounts, &session, end.plus(A_WEEK)).await, None);
}

async fn an_unknown_hash_is_nobodys(accounts: Accounts) {
    let ada = streamer(&accounts).await;
    begin(&accounts, ada, NOW.plus(A_WEEK)).await;
    let made_up = build::login_session(ada, NOW.plus(A_WEEK));
    assert_eq!(find(&accounts, &made_up, NOW).await, None);
}

async fn an_ended_login_is_dead_for_every_copy(accounts: Accounts) {
    let ada = streamer(&accounts).await;
    let (here, there) =
        (begin(&accounts, ada, NOW.plus(A_WEEK)).await, begin(&accounts, ada, NOW.plus(A_WEEK)).await);
    accounts.login_sessions.end(here.hash).await.unwrap();
    assert_eq!(find(&accounts, &here, NOW).await, None);
    assert_eq!(find(&accounts, &there, NOW).await, Some(ada), "another browser's stays");
}

async fn ending_all_ends_all_of_one_streamers(accounts: Accounts) {
    let (ada, bob) = (streamer(&accounts).await, streamer(&accounts).await);
    let adas = [begin(&accounts, ada, NOW.plus(A_WEEK)).await, begin(&accounts, ada, NOW.plus(A_WEEK)).await];
    let bobs = begin(&accounts, bob, NOW.plus(A_WEEK)).await;
    accounts.login_sessions.end_all(ada).await.unwrap();
    for session in &adas {
        assert_eq!(find(&accounts, session, NOW).await, None);
    }
    assert_eq!(find(&accounts, &bobs, NOW).await, Some(bob));
}

async fn ending_what_is_not_there_is_fine(accounts: Accounts) {
    let made_up = build::login_session(StreamerId::random(), NOW);
    accounts.login_sessions.end(made_up.hash).await.unwrap();
    accounts.login_sessions.end_all(made_up.streamer).await.unwrap();
}

async fn deleting_expired_logins_leaves_the_others(accounts: Accounts) {
    let ada = streamer(&accounts).await;
    let over = begin(&accounts, ada, NOW.minus(A_MOMENT)).await;
    begin(&accounts, ada, NOW.minus(A_WEEK)).await;
    let alive = begin(&accounts, ada, NOW.plus(A_MOMENT)).await;
    assert_eq!(accounts.login_sessions.delete_expired(NOW).await.unwrap(), 2);
    assert_eq!(accounts.login_sessions.delete_expired(NOW).await.unwrap(), 0);
    let before_its_end = over.expires_at.minus(A_MOMENT);
    assert_eq!(find(&accounts, &over, before_its_end).await, None, "really removed");
    assert_eq!(find(&accounts, &alive, NOW).await, Some(ada));
}
