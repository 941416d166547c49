//! One live subscription for each chat that is wanted: made, refused, found, ended.

use chatpulse_domain::ports::chat_feed::ChatFeed as _;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository as _;
use chatpulse_domain::subscription::ChatState;
use chatpulse_testkit::builders as build;
use chatpulse_twitch_sim::{Endpoint, Fault, Status};

use crate::world::{BOT, SOON, STREAMER, World, eventually, streamer};

/// Live chat subscriptions, by id.
fn live(world: &World) -> Vec<String> {
    let all = world.sim.chat_subscriptions().into_iter();
    all.filter(|one| one.status == Status::Enabled).map(|one| one.id).collect()
}

#[tokio::test]
async fn a_chat_is_read_while_it_is_wanted() {
    let world = World::start().await;
    let instance = world.instance(true).await;
    assert_eq!(instance.feed.state(&streamer()).await, ChatState::Idle);
    instance.read_chat();
    instance.becomes(ChatState::Reading).await;
    assert_eq!(world.say("yes").await, 1);
    assert_eq!(instance.hears(1).await, ["yes"]);
    let record = world.accounts.subscriptions.find(&streamer()).await.unwrap().unwrap();
    assert_eq!(live(&world), [record.id.to_string()]);

    instance.feed.stop_reading(&streamer());
    instance.becomes(ChatState::Idle).await;
    assert!(!world.sim.chat_is_read(STREAMER));
    assert_eq!(world.accounts.subscriptions.find(&streamer()).await.unwrap(), None);
}

#[tokio::test]
async fn several_instances_share_one_subscription_and_only_the_leader_ends_it() {
    let world = World::start().await;
    let (leader, other) = (world.instance(true).await, world.instance(false).await);
    for instance in [&leader, &other] {
        instance.read_chat();
        instance.becomes(ChatState::Reading).await;
    }
    assert_eq!(live(&world).len(), 1);
    assert_eq!(world.say("yes").await, 1);
    other.feed.stop_reading(&streamer());
    leader.feed.stop_reading(&streamer());
    assert!(world.sim.wait_until(SOON, |sim| !sim.chat_is_read(STREAMER)).await);
    assert_eq!(world.sim.calls(Endpoint::DeleteSubscription), 1);
}

#[tokio::test]
async fn a_missing_grant_is_known_at_every_instance_until_consent_is_given_anywhere() {
    let world = World::start().await;
    world.sim.disconnect_user(BOT).await;
    let (leader, other) = (world.instance(true).await, world.instance(false).await);
    leader.read_chat();
    leader.becomes(ChatState::NotAuthorized).await;
    other.becomes(ChatState::NotAuthorized).await;
    let later = world.instance(false).await;
    later.becomes(ChatState::NotAuthorized).await;
    let requests = world.sim.calls(Endpoint::CreateSubscription);

    world.sim.grant(BOT, &["user:read:chat", "user:bot"]);
    later.feed.consent_changed(&build::user(BOT).chatter());
    for instance in [&leader, &other, &later] {
        instance.becomes(ChatState::Reading).await;
    }
    assert_eq!(world.sim.calls(Endpoint::CreateSubscription), requests + 1, "nobody else asked");
    assert_eq!(live(&world).len(), 1);
}

#[tokio::test]
async fn a_subscription_that_exists_already_is_found_by_its_conflict() {
    for nameless in [false, true] {
        let world = World::start().await;
        let first = world.instance(true).await;
        first.read_chat();
        first.becomes(ChatState::Reading).await;
        let before = live(&world);
        // As if another instance had subscribed it and not recorded it yet.
        let record = world.accounts.subscriptions.find(&streamer()).await.unwrap().unwrap();
        world.accounts.subscriptions.delete(&streamer(), &record.id).await.unwrap();
        if nameless {
            let conflict = r#"{"error":"Conflict","status":409,"message":"subscription already exists"}"#;
            world.sim.fail_next(Endpoint::CreateSubscription, &Fault::status(409).body(conflict), 1);
        }
        let empty = r#"{"total":0,"data":[],"pagination":{}}"#;
        world.sim.fail_next(Endpoint::GetSubscriptions, &Fault::status(200).body(empty), 1);
        let second = world.instance(false).await;
        second.read_chat();
        second.becomes(ChatState::Reading).await;
        assert_eq!(live(&world), before);
        let record = world.accounts.subscriptions.find(&streamer()).await.unwrap().unwrap();
        assert_eq!(before, [record.id.to_string()]);
    }
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_whatever_is_just_asked() {
    let world = World::start().await;
    let instance = world.instance(true).await;
    let before = world.sim.calls(Endpoint::Token);
    world.sim.expire_app_tokens();
    instance.read_chat();
    instance.becomes(ChatState::Reading).await;
    assert_eq!(world.sim.calls(Endpoint::Token), before + 1);
    let other = world.instance(false).await;
    assert_eq!(world.sim.calls(Endpoint::Token), before + 1, "the token is shared");
    drop(other);
}

#[tokio::test]
async fn a_failure_only_delays_the_chat() {
    let world = World::start().await;
    let instance = world.instance(true).await;
    let with_points = Fault::status(429).header("Ratelimit-Remaining", "700");
    world.sim.fail_next(Endpoint::CreateSubscription, &with_points, 1);
    world.sim.fail_next(Endpoint::CreateSubscription, &Fault::status(503), 1);
    instance.read_chat();
    instance.becomes(ChatState::Connecting).await;
    instance.becomes(ChatState::Reading).await;
}

#[tokio::test]
async fn what_twitch_ends_is_subscribed_again_or_refused_depending_on_the_reason() {
    let world = World::start().await;
    let (told, serves) = (world.instance(true).await, world.instance(false).await);
    serves.read_chat();
    serves.becomes(ChatState::Reading).await;
    for why in [Status::VersionRemoved, Status::NotificationFailuresExceeded] {
        let before = live(&world);
        assert!(world.sim.revoke_subscription(&before[0], why).await);
        let again = |_: &_| live(&world).len() == 1 && live(&world) != before;
        assert!(world.sim.wait_until(SOON, again).await, "{why:?}");
        serves.becomes(ChatState::Reading).await;
    }
    for why in [Status::UserRemoved, Status::ChatUserBanned, Status::AuthorizationRevoked] {
        assert!(world.sim.revoke_subscription(&live(&world)[0], why).await);
        for instance in [&told, &serves] {
            instance.becomes(ChatState::NotAuthorized).await;
        }
        assert_eq!(live(&world).len(), 0, "{why:?}: it is not requested blindly");
        told.feed.consent_changed(&build::user(STREAMER).chatter());
        for instance in [&told, &serves] {
            instance.becomes(ChatState::Reading).await;
        }
    }
}

#[tokio::test]
async fn users_who_disconnect_at_twitch_are_reported() {
    let world = World::start().await;
    let instance = world.instance(true).await;
    let hears = |sim: &chatpulse_twitch_sim::Sim| {
        sim.subscriptions().iter().any(|one| one.kind == "user.authorization.revoke")
    };
    assert!(world.sim.wait_until(SOON, hears).await);
    world.sim.disconnect_user(STREAMER).await;
    eventually("it is reported", async || instance.grants.withdrawn() == [build::user(STREAMER)]).await;
}
