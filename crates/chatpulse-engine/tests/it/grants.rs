use std::time::Duration;

use chatpulse_domain::login::{LoginSession, UserTokens};
use chatpulse_domain::ports::cipher::TokenCipher as _;
use chatpulse_domain::ports::clock::Clock as _;
use chatpulse_domain::ports::grant_sink::GrantSink as _;
use chatpulse_domain::ports::login_sessions::LoginSessions as _;
use chatpulse_domain::ports::streamers::StreamerRepository as _;
use chatpulse_domain::ports::tokens::TokenRepository as _;
use chatpulse_domain::time::Timestamp;
use chatpulse_engine::housekeeping::GrantCheck;
use chatpulse_testkit::builders as build;
use chatpulse_testkit::fakes::FakeCipher;

use crate::world::{World, world};

const A_DAY: Duration = Duration::from_hours(24);
/// After all that was agreed to.
const LATER: Timestamp = Timestamp::from_unix_ms(4_102_444_800_000);
const A_MINUTE: Duration = Duration::from_mins(1);

/// The streamer's, opened; `None` once forgotten.
async fn tokens(world: &World) -> Option<UserTokens> {
    let kept = world.accounts.tokens.all().await.unwrap().pop()?;
    Some(FakeCipher::default().open(&kept.user, &kept.sealed).unwrap())
}

async fn log_in(world: &World) -> LoginSession {
    let login = build::login_session(world.streamer.id, world.clock.now().plus(A_DAY));
    world.accounts.login_sessions.begin(&login).await.unwrap();
    login
}

async fn is_logged_in(world: &World, login: &LoginSession) -> bool {
    world.accounts.login_sessions.find(login.hash, world.clock.now()).await.unwrap().is_some()
}

/// The access token ran out, and Twitch gives this in its place.
async fn to_be_renewed(world: &World) -> UserTokens {
    let (old, next) = (tokens(world).await.unwrap(), build::tokens());
    world.login.run_out(&old.access);
    world.login.renew(&old.refresh.unwrap(), next.clone());
    next
}

#[tokio::test(start_paused = true)]
async fn twitch_is_asked_at_the_start_and_every_hour() {
    let mut world = world().await;
    let access = tokens(&world).await.unwrap().access.expose().to_owned();
    world.keep_house(Duration::from_mins(59)).await;
    assert_eq!(world.login.validated(), [access]);
    world.restart();
    world.keep_house(Duration::from_mins(125)).await;
    assert_eq!(world.login.validated().len(), 1 + 3, "at the second start, and twice more");
}

#[tokio::test(start_paused = true)]
async fn an_access_token_that_ran_out_is_renewed_and_nobody_is_logged_out() {
    let mut world = world().await;
    let (next, login) = (to_be_renewed(&world).await, log_in(&world).await);
    let found = world.grant_checks();
    world.keep_house(A_MINUTE).await;
    assert_eq!(tokens(&world).await, Some(next));
    assert!(is_logged_in(&world, &login).await);
    assert_eq!(*found.lock().unwrap(), [GrantCheck::Renewed]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_renewal_ends_the_login() {
    let mut world = world().await;
    let login = log_in(&world).await;
    world.login.run_out(&tokens(&world).await.unwrap().access);
    let found = world.grant_checks();
    world.keep_house(A_MINUTE).await;
    assert_eq!(tokens(&world).await, None);
    assert!(!is_logged_in(&world, &login).await);
    assert_eq!(*found.lock().unwrap(), [GrantCheck::Ended]);
}

#[tokio::test(start_paused = true)]
async fn while_twitch_is_away_nothing_ends() {
    let mut world = world().await;
    let (next, login) = (to_be_renewed(&world).await, log_in(&world).await);
    world.login.break_down();
    let twitch = world.login.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_mins(3)).await;
        twitch.recover();
    });
    let found = world.grant_checks();
    world.keep_house(Duration::from_mins(5)).await;
    assert_eq!(tokens(&world).await, Some(next));
    assert!(is_logged_in(&world, &login).await);
    let (last, before) = found.lock().unwrap().split_last().map(|(last, all)| (*last, all.to_vec())).unwrap();
    assert_eq!(last, GrantCheck::Renewed);
    assert!(before.len() > 10 && before.iter().all(|found| *found == GrantCheck::Unanswered), "{before:?}");
}

/// Twitch has spent the old refresh token by then.
#[tokio::test(start_paused = true)]
async fn renewed_tokens_outlast_an_outage_of_the_database_and_a_stop() {
    let mut world = world().await;
    let next = to_be_renewed(&world).await;
    let accounts = world.accounts.clone();
    world.login.after_refresh(move || accounts.break_down());
    let accounts = world.accounts.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(59_500)).await;
        accounts.recover();
    });
    world.keep_house(A_MINUTE).await;
    assert_eq!(tokens(&world).await, Some(next));
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_asks() {
    let mut world = world().await;
    world.leader.set(false);
    world.keep_house(Duration::from_hours(2)).await;
    assert!(world.login.validated().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_takes_consent_back_is_logged_out_at_every_instance() {
    let mut world = world().await;
    world.leader.set(false);
    let login = log_in(&world).await;
    world.engine.withdrawals.withdrawn(&build::user("stranger"), LATER);
    world.engine.withdrawals.withdrawn(&world.streamer.twitch_id, LATER);
    world.accounts.break_down();
    let accounts = world.accounts.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        accounts.recover();
    });
    world.keep_house(Duration::from_secs(10)).await;
    assert!(!is_logged_in(&world, &login).await);
    assert_eq!(tokens(&world).await, None);
    let bot = world.accounts.streamers.find_bot_grant(&world.streamer.twitch_id).await.unwrap();
    assert_eq!(bot, None);
}
