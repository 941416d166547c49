//! The promises of [`SubscriptionRepository`].

use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::subscription::ChatSubscription;

use super::Accounts;
use crate::builders as build;

/// Checks them all; `make` gives an adapter with no records.
pub async fn holds(make: impl AsyncFn() -> Accounts) {
    only_who_knows_which_conduit_is_ours_replaces_it(make().await).await;
    there_is_one_record_per_broadcaster_the_last_one_put(make().await).await;
    a_record_comes_back_as_it_was_put(make().await).await;
    deleting_forgets_just_this_record(make().await).await;
    deleting_an_earlier_record_leaves_the_later_alone(make().await).await;
}

/// All records, in the order of their broadcasters.
async fn all(records: &dyn SubscriptionRepository) -> Vec<ChatSubscription> {
    let mut all = records.all().await.unwrap();
    all.sort_by(|a, b| a.broadcaster.cmp(&b.broadcaster));
    all
}

async fn only_who_knows_which_conduit_is_ours_replaces_it(accounts: Accounts) {
    let records = accounts.subscriptions;
    assert_eq!(records.conduit().await.unwrap(), None);
    let [first, second, third] = ["first", "second", "third"].map(build::conduit);
    assert!(!records.replace_conduit(Some(&first), &second).await.unwrap(), "there is none");
    assert!(records.replace_conduit(None, &first).await.unwrap());
    assert!(!records.replace_conduit(None, &second).await.unwrap());
    assert!(records.replace_conduit(Some(&first), &second).await.unwrap());
    assert!(!records.replace_conduit(Some(&first), &third).await.unwrap());
    assert_eq!(records.conduit().await.unwrap(), Some(second));
}

async fn there_is_one_record_per_broadcaster_the_last_one_put(accounts: Accounts) {
    let records = accounts.subscriptions;
    let earlier = build::subscription(&build::channel("1"));
    let later = ChatSubscription {
        bot: build::chatter("77"),
        conduit: build::conduit("another"),
        ..build::subscription(&build::channel("1"))
    };
    records.put(&earlier).await.unwrap();
    records.put(&later).await.unwrap();
    records.put(&later).await.unwrap();
    assert_eq!(all(&*records).await, [later]);
}

async fn a_record_comes_back_as_it_was_put(accounts: Accounts) {
    let records = accounts.subscriptions;
    assert!(all(&*records).await.is_empty());
    let put = ["1", "2", "3"].map(|id| build::subscription(&build::channel(id)));
    for subscription in &put {
        records.put(subscription).await.unwrap();
    }
    assert_eq!(all(&*records).await, put);
    for subscription in put {
        assert_eq!(records.find(&subscription.broadcaster).await.unwrap(), Some(subscription));
    }
    assert_eq!(records.find(&build::channel("4")).await.unwrap(), None);
}

async fn deleting_forgets_just_this_record(accounts: Accounts) {
    let records = accounts.subscriptions;
    let (gone, kept) = (build::subscription(&build::channel("1")), build::subscription(&build::channel("2")));
    records.put(&gone).await.unwrap();
    records.put(&kept).await.unwrap();
    for _ in 0..2 {
        records.delete(&gone.broadcaster, &gone.id).await.unwrap();
    }
    assert_eq!(all(&*records).await, [kept]);
}

async fn deleting_an_earlier_record_leaves_the_later_alone(accounts: Accounts) {
    let records = accounts.subscriptions;
    let earlier = build::subscription(&build::channel("1"));
    let later = build::subscription(&build::channel("1"));
    records.put(&earlier).await.unwrap();
    records.put(&later).await.unwrap();
    records.delete(&earlier.broadcaster, &earlier.id).await.unwrap();
    assert_eq!(all(&*records).await, [later]);
}
