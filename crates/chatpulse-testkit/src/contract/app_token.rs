//! The promises of [`AppTokenRepository`](chatpulse_domain::ports::app_token::AppTokenRepository).

use std::sync::Arc;

use chatpulse_domain::login::SealedTokens;

use super::Accounts;
use crate::builders as build;

/// Checks them all; `make` gives an adapter without a token.
pub async fn holds(make: impl AsyncFn() -> Accounts) {
    the_token_is_there_from_then_on(make().await).await;
    only_who_knows_the_last_one_replaces_it(make().await).await;
    of_several_at_once_one_counts(make().await).await;
}

async fn the_token_is_there_from_then_on(accounts: Accounts) {
    let kept = accounts.app_token;
    assert_eq!(kept.find().await.unwrap(), None);
    let every_byte = SealedTokens((0..=255).collect());
    assert!(kept.replace(None, &every_byte).await.unwrap());
    assert_eq!(kept.find().await.unwrap(), Some(every_byte));
}

async fn only_who_knows_the_last_one_replaces_it(accounts: Accounts) {
    let kept = accounts.app_token;
    let [first, second, third] = [build::sealed(), build::sealed(), build::sealed()];
    assert!(!kept.replace(Some(&first), &second).await.unwrap(), "there is none");
    assert!(kept.replace(None, &first).await.unwrap());
    assert!(!kept.replace(None, &second).await.unwrap());
    assert!(kept.replace(Some(&first), &second).await.unwrap());
    assert!(!kept.replace(Some(&first), &third).await.unwrap());
    assert_eq!(kept.find().await.unwrap(), Some(second));
}

async fn of_several_at_once_one_counts(accounts: Accounts) {
    for _ in 0..2 {
        let before = accounts.app_token.find().await.unwrap();
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (kept, old, new) = (Arc::clone(&accounts.app_token), before.clone(), build::sealed());
                tokio::spawn(async move { kept.replace(old.as_ref(), &new).await.unwrap().then_some(new) })
            })
            .collect();
        let mut counted = Vec::new();
        for task in tasks {
            counted.extend(task.await.unwrap());
        }
        let [new] = <[SealedTokens; 1]>::try_from(counted).unwrap();
        assert_eq!(accounts.app_token.find().await.unwrap(), Some(new));
    }
}
