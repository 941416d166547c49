//! The promises of [`TokenRepository`](chatpulse_domain::ports::tokens::TokenRepository).

use std::sync::Arc;
use std::time::Duration;

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::login::{BotGrant, LoginSession, SealedTokens};
use chatpulse_domain::ports::tokens::{StoredTokens, TokenOwner};
use chatpulse_domain::streamer::{Streamer, TwitchProfile};
use chatpulse_domain::time::Timestamp;

use super::Accounts;
use crate::builders as build;
use crate::clock::START_MS;

const NOW: Timestamp = Timestamp::from_unix_ms(START_MS);
/// After all that was agreed to.
const LATER: Timestamp = Timestamp::from_unix_ms(4_102_444_800_000);
const A_MOMENT: Duration = Duration::from_millis(1);

/// Checks them all; `make` gives an adapter with no accounts.
pub async fn holds(make: impl AsyncFn() -> Accounts) {
    tokens_come_back_byte_for_byte(make().await).await;
    logging_in_again_replaces_them(make().await).await;
    who_waits_longest_is_checked_first(make().await).await;
    renewed_tokens_replace_those_that_were_read(make().await).await;
    of_renewals_at_once_one_counts(make().await).await;
    a_login_meanwhile_wins(make().await).await;
    with_the_tokens_the_logins_end_and_nothing_else(make().await).await;
    a_bots_tokens_are_checked_renewed_and_deleted_like_any(make().await).await;
    an_ended_grant_takes_everything_along_and_only_once(make().await).await;
    the_grant_of_a_bot_without_an_account_ends_too(make().await).await;
    what_was_agreed_to_later_outlives_a_withdrawal(make().await).await;
    a_new_login_begins_anew(make().await).await;
    a_users_tokens_are_those_of_login_and_bot(make().await).await;
}

fn profile(name: &str) -> TwitchProfile {
    TwitchProfile { id: build::fresh_user(), ..build::profile(name) }
}

async fn sign_in(accounts: &Accounts, name: &str) -> (Streamer, StoredTokens) {
    let sealed = build::sealed();
    let streamer = accounts.streamers.sign_in(&profile(name), &sealed).await.unwrap();
    let kept =
        StoredTokens { owner: TokenOwner::Streamer(streamer.id), user: streamer.twitch_id.clone(), sealed };
    (streamer, kept)
}

async fn sign_in_again(accounts: &Accounts, streamer: &Streamer) -> SealedTokens {
    let sealed = build::sealed();
    let profile = TwitchProfile {
        id: streamer.twitch_id.clone(),
        login: streamer.login.clone(),
        display_name: streamer.display_name.clone(),
    };
    accounts.streamers.sign_in(&profile, &sealed).await.unwrap();
    sealed
}

async fn a_users_tokens_are_those_of_login_and_bot(accounts: Accounts) {
    let (ada, of_login) = sign_in(&accounts, "Ada").await;
    let (bob, _) = sign_in(&accounts, "Bob").await;
    let of_user = async |user: &TwitchUserId| accounts.tokens.of_user(user).await.unwrap();
    assert_eq!(of_user(&ada.twitch_id).await, std::slice::from_ref(&of_login));
    let grant = BotGrant { bot: ada.twitch_id.clone(), ..build::bot_grant("Ada") };
    accounts.streamers.record_bot_grant(&grant, None).await.unwrap();
    assert_eq!(
        of_user(&ada.twitch_id).await,
        std::slice::from_ref(&of_login),
        "the bot agreed with its login"
    );
    let sealed = build::sealed();
    accounts.streamers.record_bot_grant(&grant, Some(&sealed)).await.unwrap();
    let of_bot = StoredTokens { owner: TokenOwner::Bot, user: ada.twitch_id.clone(), sealed };
    assert_eq!(of_user(&ada.twitch_id).await, [of_login, of_bot]);
    accounts.tokens.end_grant(&bob.twitch_id, LATER).await.unwrap();
    assert_eq!(of_user(&bob.twitch_id).await, []);
    assert_eq!(of_user(&build::user("nobody")).await, []);
}

async fn is_logged_in(accounts: &Accounts, login: &LoginSession) -> bool {
    accounts.login_sessions.find(login.hash, NOW).await.unwrap().is_some()
}

/// Whatever the bytes are: finding a streamer never looks at them.
async fn tokens_come_back_byte_for_byte(accounts: Accounts) {
    let every_byte = SealedTokens((0..=255).collect());
    let ada = accounts.streamers.sign_in(&profile("Ada"), &every_byte).await.unwrap();
    assert_eq!(accounts.streamers.find(ada.id).await.unwrap(), Some(ada.clone()));
    let kept = StoredTokens { owner: TokenOwner::Streamer(ada.id), user: ada.twitch_id, sealed: every_byte };
    assert_eq!(accounts.tokens.all().await.unwrap(), [kept]);
}

async fn logging_in_again_replaces_them(accounts: Accounts) {
    let (ada, first) = sign_in(&accounts, "Ada").await;
    let sealed = sign_in_again(&accounts, &ada).await;
    assert_eq!(accounts.tokens.all().await.unwrap(), [StoredTokens { sealed, ..first }]);
}

async fn who_waits_longest_is_checked_first(accounts: Accounts) {
    let mut kept = Vec::new();
    for (name, ago) in [("Ada", Some(1)), ("Bob", Some(3)), ("Cid", None), ("Dot", Some(2))] {
        let (_, tokens) = sign_in(&accounts, name).await;
        if let Some(ago) = ago {
            let at = NOW.minus(Duration::from_secs(ago));
            assert!(accounts.tokens.renew(&tokens, &tokens.sealed, at).await.unwrap());
        }
        kept.push(tokens);
    }
    let [ada, bob, cid, dot] = <[StoredTokens; 4]>::try_from(kept).unwrap();
    let tokens = accounts.tokens;
    let all = [cid.clone(), bob.clone(), dot.clone(), ada];
    assert_eq!(tokens.unchecked_since(NOW, 10).await.unwrap(), all);
    assert_eq!(tokens.unchecked_since(NOW, 2).await.unwrap(), all[..2]);
    let then = NOW.minus(Duration::from_secs(2));
    assert_eq!(tokens.unchecked_since(then, 10).await.unwrap(), [cid.clone(), bob.clone()]);
    assert_eq!(tokens.unchecked_since(then.plus(A_MOMENT), 10).await.unwrap(), [cid, bob, dot]);
}

async fn renewed_tokens_replace_those_that_were_read(accounts: Accounts) {
    let (_, old) = sign_in(&accounts, "Ada").await;
    let (_, other) = sign_in(&accounts, "Bob").await;
    let new = StoredTokens { sealed: build::sealed(), ..old.clone() };
    let tokens = accounts.tokens;
    assert!(tokens.renew(&old, &new.sealed, NOW).await.unwrap());
    assert_eq!(tokens.all().await.unwrap(), [new.clone(), other.clone()]);
    assert_eq!(tokens.unchecked_since(NOW, 10).await.unwrap(), std::slice::from_ref(&other));
    assert!(!tokens.renew(&old, &build::sealed(), NOW.plus(A_MOMENT)).await.unwrap(), "it was read before");
    assert!(!tokens.delete(&old).await.unwrap());
    assert_eq!(tokens.all().await.unwrap(), [new, other]);
}

async fn of_renewals_at_once_one_counts(accounts: Accounts) {
    let (_, old) = sign_in(&accounts, "Ada").await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (tokens, old, new) = (Arc::clone(&accounts.tokens), old.clone(), build::sealed());
            tokio::spawn(async move { tokens.renew(&old, &new, NOW).await.unwrap().then_some(new) })
        })
        .collect();
    let mut counted = Vec::new();
    for task in tasks {
        counted.extend(task.await.unwrap());
    }
    let [sealed] = <[SealedTokens; 1]>::try_from(counted).unwrap();
    assert_eq!(accounts.tokens.all().await.unwrap(), [StoredTokens { sealed, ..old }]);
}

async fn a_login_meanwhile_wins(accounts: Accounts) {
    let (ada, old) = sign_in(&accounts, "Ada").await;
    let sealed = sign_in_again(&accounts, &ada).await;
    let login = build::login_session(ada.id, NOW.plus(A_MOMENT));
    accounts.login_sessions.begin(&login).await.unwrap();
    assert!(!accounts.tokens.renew(&old, &build::sealed(), NOW).await.unwrap());
    assert!(!accounts.tokens.delete(&old).await.unwrap());
    assert!(is_logged_in(&accounts, &login).await);
    assert_eq!(accounts.tokens.all().await.unwrap(), [StoredTokens { sealed, ..old }]);
}

async fn with_the_tokens_the_logins_end_and_nothing_else(accounts: Accounts) {
    let (ada, tokens) = sign_in(&accounts, "Ada").await;
    let (bob, others) = sign_in(&accounts, "Bob").await;
    let logins = [ada.id, ada.id, bob.id].map(|id| build::login_session(id, NOW.plus(A_MOMENT)));
    for login in &logins {
        accounts.login_sessions.begin(login).await.unwrap();
    }
    let agreed = agree_apart(&accounts, &ada.twitch_id).await;
    let with_login = BotGrant { bot: bob.twitch_id.clone(), ..build::bot_grant("Bob") };
    accounts.streamers.record_bot_grant(&with_login, None).await.unwrap();
    assert!(accounts.tokens.delete(&tokens).await.unwrap());
    assert!(!is_logged_in(&accounts, &logins[0]).await);
    assert!(!is_logged_in(&accounts, &logins[1]).await);
    assert!(is_logged_in(&accounts, &logins[2]).await);
    let left = [others.clone(), agreed.clone()];
    assert_eq!(accounts.tokens.all().await.unwrap(), left);
    assert!(!accounts.tokens.delete(&tokens).await.unwrap(), "they are gone");
    assert_eq!(accounts.streamers.find(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(accounts.streamers.find_by_overlay(ada.overlay).await.unwrap(), Some(ada.clone()));
    assert!(accounts.settings.find(ada.id).await.unwrap().is_some());
    assert!(accounts.streamers.find_bot_grant(&ada.twitch_id).await.unwrap().is_some(), "it was given apart");
    // Bob agreed to be the bot with nothing but the login.
    assert!(accounts.tokens.delete(&others).await.unwrap());
    assert_eq!(accounts.streamers.find_bot_grant(&bob.twitch_id).await.unwrap(), None);
}

/// The bot agrees, and gives tokens for that alone.
async fn agree_apart(accounts: &Accounts, bot: &TwitchUserId) -> StoredTokens {
    let sealed = build::sealed();
    let agreed = BotGrant { bot: bot.clone(), ..build::bot_grant("Robo") };
    accounts.streamers.record_bot_grant(&agreed, Some(&sealed)).await.unwrap();
    StoredTokens { owner: TokenOwner::Bot, user: bot.clone(), sealed }
}

async fn a_bots_tokens_are_checked_renewed_and_deleted_like_any(accounts: Accounts) {
    let (ada, login) = sign_in(&accounts, "Ada").await;
    let cookie = build::login_session(ada.id, NOW.plus(A_MOMENT));
    accounts.login_sessions.begin(&cookie).await.unwrap();
    let bot = agree_apart(&accounts, &ada.twitch_id).await;
    let tokens = &accounts.tokens;
    assert_eq!(tokens.all().await.unwrap(), [login.clone(), bot.clone()]);
    assert!(tokens.renew(&login, &login.sealed, NOW).await.unwrap());
    assert_eq!(tokens.unchecked_since(NOW, 10).await.unwrap(), std::slice::from_ref(&bot));
    let renewed = StoredTokens { sealed: build::sealed(), ..bot.clone() };
    assert!(tokens.renew(&bot, &renewed.sealed, NOW).await.unwrap());
    assert!(tokens.unchecked_since(NOW, 10).await.unwrap().is_empty());
    assert!(!tokens.renew(&bot, &build::sealed(), NOW).await.unwrap(), "it was read before");
    assert!(!tokens.delete(&bot).await.unwrap());
    // Agreeing anew replaces them, and begins anew.
    let again = agree_apart(&accounts, &ada.twitch_id).await;
    assert_eq!(tokens.unchecked_since(NOW, 10).await.unwrap(), std::slice::from_ref(&again));
    assert!(!tokens.delete(&renewed).await.unwrap());
    assert!(tokens.delete(&again).await.unwrap());
    assert_eq!(accounts.streamers.find_bot_grant(&ada.twitch_id).await.unwrap(), None);
    assert!(is_logged_in(&accounts, &cookie).await);
    assert_eq!(tokens.all().await.unwrap(), [login]);
}

async fn an_ended_grant_takes_everything_along_and_only_once(accounts: Accounts) {
    let (ada, _) = sign_in(&accounts, "Ada").await;
    let (bob, others) = sign_in(&accounts, "Bob").await;
    let logins = [ada.id, bob.id].map(|id| build::login_session(id, NOW.plus(A_MOMENT)));
    for login in &logins {
        accounts.login_sessions.begin(login).await.unwrap();
    }
    for bot in [&ada.twitch_id, &bob.twitch_id] {
        let agreed = BotGrant { bot: bot.clone(), ..build::bot_grant("Bot") };
        accounts.streamers.record_bot_grant(&agreed, None).await.unwrap();
    }
    assert!(accounts.tokens.end_grant(&ada.twitch_id, LATER).await.unwrap());
    assert!(!is_logged_in(&accounts, &logins[0]).await);
    assert!(is_logged_in(&accounts, &logins[1]).await);
    assert_eq!(accounts.tokens.all().await.unwrap(), [others]);
    assert_eq!(accounts.streamers.find_bot_grant(&ada.twitch_id).await.unwrap(), None);
    assert!(accounts.streamers.find_bot_grant(&bob.twitch_id).await.unwrap().is_some());
    assert_eq!(accounts.streamers.find(ada.id).await.unwrap(), Some(ada.clone()));
    assert!(!accounts.tokens.end_grant(&ada.twitch_id, LATER).await.unwrap());
}

async fn the_grant_of_a_bot_without_an_account_ends_too(accounts: Accounts) {
    let bot = build::fresh_user();
    agree_apart(&accounts, &bot).await;
    assert!(accounts.tokens.end_grant(&bot, LATER).await.unwrap());
    assert_eq!(accounts.streamers.find_bot_grant(&bot).await.unwrap(), None);
    assert!(accounts.tokens.all().await.unwrap().is_empty());
    assert!(!accounts.tokens.end_grant(&build::fresh_user(), LATER).await.unwrap());
}

async fn what_was_agreed_to_later_outlives_a_withdrawal(accounts: Accounts) {
    let (ada, tokens) = sign_in(&accounts, "Ada").await;
    let login = build::login_session(ada.id, NOW.plus(A_MOMENT));
    accounts.login_sessions.begin(&login).await.unwrap();
    let agreed = BotGrant { bot: ada.twitch_id.clone(), ..build::bot_grant("Ada") };
    accounts.streamers.record_bot_grant(&agreed, None).await.unwrap();
    let before_all = Timestamp::from_unix_ms(0);
    assert!(!accounts.tokens.end_grant(&ada.twitch_id, before_all).await.unwrap());
    assert!(is_logged_in(&accounts, &login).await);
    assert_eq!(accounts.tokens.all().await.unwrap(), [tokens]);
    assert_eq!(accounts.streamers.find_bot_grant(&ada.twitch_id).await.unwrap(), Some(agreed));
}

async fn a_new_login_begins_anew(accounts: Accounts) {
    let (ada, first) = sign_in(&accounts, "Ada").await;
    assert!(accounts.tokens.renew(&first, &first.sealed, NOW).await.unwrap());
    assert!(accounts.tokens.delete(&first).await.unwrap());
    let sealed = sign_in_again(&accounts, &ada).await;
    let again = StoredTokens { sealed, ..first };
    let before_all = Timestamp::from_unix_ms(0);
    assert_eq!(accounts.tokens.unchecked_since(before_all, 10).await.unwrap(), [again]);
}
