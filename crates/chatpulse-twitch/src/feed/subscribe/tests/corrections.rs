//! What revocations and Twitch's own list correct afterwards.

use super::*;

/// Twitch told this instance that it ended the subscription.
async fn revoked(at: &Instance, ended: &str, why: Revocation) -> Subscriber {
    let mut api = empty_twitch();
    answering(&mut api, [Ok("sub-1"), Ok("sub-2")]);
    let mut subscriber = subscriber(api, at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    at.feed.revoked(chat(STREAMER), id(ended), why);
    run(&mut subscriber).await;
    subscriber
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_needs_a_person_is_announced_as_a_refusal() {
    let at = Instance::new();
    revoked(&at, "sub-1", Revocation::NotAuthorized).await;
    assert_eq!(at.notes(), [refused_note(STREAMER)]);
    assert_eq!(
        (record_of(&at, STREAMER).await, state(&at, STREAMER).await),
        (None, ChatState::NotAuthorized)
    );
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_needs_nobody_is_announced_as_a_change_and_subscribed_again() {
    let at = Instance::new();
    revoked(&at, "sub-1", Revocation::Recreate).await;
    assert_eq!(at.notes(), []);
    assert_eq!(at.signals.published(), [Signal::SessionChanged(channel(STREAMER))]);
    assert_eq!(record_of(&at, STREAMER).await.unwrap(), "sub-2");
}

#[tokio::test(start_paused = true)]
async fn a_late_revocation_of_an_earlier_subscription_is_no_refusal_for_others_and_soon_corrected_here() {
    let at = Instance::new();
    let mut subscriber = revoked(&at, "sub-0", Revocation::NotAuthorized).await;
    assert_eq!(at.signals.published(), [Signal::SessionChanged(channel(STREAMER))]);
    assert_eq!(record_of(&at, STREAMER).await.unwrap(), "sub-1", "the record of the later one stays");
    tokio::time::advance(Duration::from_secs(10)).await;
    run(&mut subscriber).await;
    assert_eq!(state(&at, STREAMER).await, ChatState::Reading);
}

#[tokio::test(start_paused = true)]
async fn twitchs_list_corrects_the_records_and_a_second_subscription_is_removed() {
    let at = Instance::new();
    at.records().replace_conduit(None, &ours()).await.unwrap();
    for stale in [recorded("gone", OTHER), recorded("old", STREAMER)] {
        at.records().put(&stale).await.unwrap();
    }
    let mut api = MockSubscriptionApi::new();
    api.expect_subscriptions_on().with(eq(ours())).times(1).returning(|_| {
        let mut of_another_bot = listed("second", STREAMER, "ours");
        of_another_bot.condition.user_id = Some("8".to_owned());
        let theirs = listed("theirs", STREAMER, "theirs");
        Ok(vec![of_another_bot, listed("sub-1", STREAMER, "ours"), theirs])
    });
    api.expect_subscribe_to_withdrawals().times(1).returning(|_| Ok(()));
    api.expect_subscribe_to_disabled_shards().times(1).returning(|_| Ok(()));
    api.expect_unsubscribe().with(eq(id("second"))).times(1).returning(|_| Ok(()));
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    assert_eq!(record_of(&at, STREAMER).await.unwrap(), "sub-1");
    assert_eq!(record_of(&at, OTHER).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_does_not_lead_believes_the_list_and_changes_nothing() {
    let at = Instance::new();
    at.leader.set(false);
    at.records().put(&recorded("gone", OTHER)).await.unwrap();
    let mut api = MockSubscriptionApi::new();
    api.expect_subscriptions_on()
        .with(always())
        .times(1)
        .returning(|_| Ok(vec![listed("sub-1", STREAMER, "ours")]));
    let mut subscriber = subscriber(api, &at);
    at.read(STREAMER);
    run(&mut subscriber).await;
    assert_eq!(state(&at, STREAMER).await, ChatState::Reading);
    assert!(record_of(&at, OTHER).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn another_conduit_in_the_record_is_used_from_now_on() {
    let at = Instance::new();
    let theirs = chatpulse_testkit::builders::conduit("of-the-new-leader");
    at.records().replace_conduit(None, &theirs).await.unwrap();
    let mut subscriber = subscriber(MockSubscriptionApi::new(), &at);
    run(&mut subscriber).await;
    assert!(!at.feed.is_connected(), "the shard is assigned again, on that conduit");
}

#[tokio::test(start_paused = true)]
async fn many_chats_at_once_are_compared_with_twitchs_list_before_any_is_requested() {
    let at = Instance::new();
    let mut api = MockSubscriptionApi::new();
    let names: Vec<String> = (100..130).map(|number| number.to_string()).collect();
    api.expect_subscriptions_on().times(1).returning(|_| Ok(Vec::new()));
    let all = names.clone();
    api.expect_subscriptions_on().times(1).returning(move |_| {
        Ok(all.iter().map(|name| listed(&format!("sub-{name}"), name, "ours")).collect())
    });
    api.expect_subscribe_to_withdrawals().returning(|_| Ok(()));
    api.expect_subscribe_to_disabled_shards().returning(|_| Ok(()));
    let mut subscriber = subscriber(api, &at);
    run(&mut subscriber).await;
    tokio::time::advance(Duration::from_secs(31)).await;
    for name in &names {
        at.read(name);
    }
    run(&mut subscriber).await;
    assert_eq!(state(&at, &names[29]).await, ChatState::Reading);
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_is_recorded_and_that_nobody_asked_for_is_announced_by_the_leader() {
    let at = Instance::new();
    let mut api = MockSubscriptionApi::new();
    let all = || vec![listed("sub-1", STREAMER, "ours"), listed("sub-2", OTHER, "ours")];
    api.expect_subscriptions_on().returning(move |_| Ok(all()));
    api.expect_subscribe_to_withdrawals().returning(|_| Ok(()));
    api.expect_subscribe_to_disabled_shards().returning(|_| Ok(()));
    let mut subscriber = subscriber(api, &at);
    run(&mut subscriber).await;
    at.feed.look_for_leftovers();
    at.feed.read_chat(chat(STREAMER), Served::Somewhere);
    run(&mut subscriber).await;
    assert_eq!(at.signals.published(), [], "its engine may still ask for it");
    tokio::time::advance(Duration::from_secs(5)).await;
    run(&mut subscriber).await;
    assert_eq!(at.signals.published(), [Signal::SessionChanged(channel(OTHER))]);
    at.leader.set(false);
    tokio::time::advance(Duration::from_mins(10)).await;
    run(&mut subscriber).await;
    assert_eq!(at.signals.published().len(), 1, "another instance leads");
}
