//! The promises of [`LoginClaims`](chatpulse_domain::ports::login_claims::LoginClaims).

use chatpulse_domain::access::{Claim, Claimed, Fingerprint};
use chatpulse_domain::streamer::TwitchProfile;

use super::Accounts;
use crate::builders as build;

/// Accounts that claim the same thing at once.
const CLAIMANTS: usize = 8;

/// Checks them all; `make` gives an adapter without claims.
pub async fn holds(make: impl AsyncFn() -> Accounts) {
    the_first_claim_wins_and_stays(make().await).await;
    of_claims_at_once_one_wins(make().await).await;
    a_claim_outlives_its_account(make().await).await;
}

fn name(text: &str) -> Fingerprint {
    (&Claimed::Name(text.parse().unwrap())).into()
}

fn server() -> Fingerprint {
    (&Claimed::Server).into()
}

fn account(id: &str) -> Fingerprint {
    Fingerprint::of_account(&build::user(id))
}

async fn the_first_claim_wins_and_stays(accounts: Accounts) {
    let claims = &accounts.login_claims;
    assert_eq!(claims.all().await.unwrap(), []);
    let (ada, bob) = (account("1"), account("2"));
    assert_eq!(claims.claim(name("pulse"), ada).await.unwrap(), ada);
    assert_eq!(claims.claim(name("pulse"), bob).await.unwrap(), ada);
    assert_eq!(claims.claim(name("pulse"), ada).await.unwrap(), ada);
    assert_eq!(claims.claim(server(), bob).await.unwrap(), bob);
    let mut all = claims.all().await.unwrap();
    all.sort_by_key(|claim| claim.holder != ada);
    assert_eq!(all, [Claim { on: name("pulse"), holder: ada }, Claim { on: server(), holder: bob }]);
}

async fn of_claims_at_once_one_wins(accounts: Accounts) {
    let claiming = (0..CLAIMANTS).map(|number| {
        let (claims, user) = (accounts.login_claims.clone(), account(&number.to_string()));
        tokio::spawn(async move { claims.claim(server(), user).await.unwrap() })
    });
    let mut holders = Vec::new();
    for claim in claiming.collect::<Vec<_>>() {
        holders.push(claim.await.unwrap());
    }
    let all = accounts.login_claims.all().await.unwrap();
    let [Claim { holder, .. }] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(holders, vec![*holder; CLAIMANTS]);
}

async fn a_claim_outlives_its_account(accounts: Accounts) {
    let profile = TwitchProfile { id: build::fresh_user(), ..build::profile("Ada") };
    let ada = accounts.streamers.sign_in(&profile, &build::sealed()).await.unwrap();
    let holder = Fingerprint::of_account(&ada.twitch_id);
    accounts.login_claims.claim(server(), holder).await.unwrap();
    accounts.streamers.delete(ada.id).await.unwrap().unwrap();
    assert_eq!(accounts.login_claims.claim(server(), account("2")).await.unwrap(), holder);
}
