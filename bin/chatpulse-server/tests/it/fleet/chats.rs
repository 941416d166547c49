//! Chat in a fleet: one subscription per chat, whichever instance serves the overlay, and none when no overlay is open.

use chatpulse_twitch_sim::{Sim, Status};

use crate::support::fleet::Fleet;
use crate::support::server::Setup;
use crate::support::streamer::Streamer;
use crate::support::world::STREAMER;
use crate::support::{SOON, eventually};

fn fast(setup: Setup) -> Setup {
    setup.set("CLEANUP_INTERVAL", "300ms").set("ORPHAN_MAX_AGE", "300ms").set("SUBSCRIPTION_GRACE", "300ms")
}

/// The streamer's live subscriptions.
fn live(sim: &Sim) -> Vec<String> {
    let all = sim.chat_subscriptions().into_iter();
    all.filter(|one| one.status == Status::Enabled).map(|one| one.id).collect()
}

#[tokio::test]
async fn a_chat_is_read_while_any_instance_serves_it_and_stopped_by_whoever_leads() {
    let fleet = Fleet::start_with(fast).await;
    let mut streamer = fleet.log_in().await;
    for serving in 0..fleet.instances.len() {
        let overlay = streamer.open_overlay(&fleet.instances[serving]).await;
        assert!(fleet.sim.wait_until_subscribed(STREAMER, SOON).await, "served by {serving}");
        // Whichever instance the dashboard is open at.
        for instance in &fleet.instances {
            streamer.browser = streamer.browser.clone().moved_to(instance);
            streamer.chat_becomes("reading").await;
        }
        assert_eq!(live(&fleet.sim).len(), 1);
        overlay.close().await;
        let stopped = fleet.sim.wait_until(SOON, |sim| live(sim).is_empty());
        assert!(stopped.await, "served by {serving}, and by nobody any more");
    }
    let overlay = streamer.open_overlay(&fleet.instances[0]).await;
    assert!(fleet.sim.wait_until_subscribed(STREAMER, SOON).await);
    overlay.close().await;
}

#[tokio::test]
async fn what_twitch_ended_is_made_again_wherever_the_word_arrived() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    let _overlay = streamer.open_overlay(&fleet.instances[0]).await;
    streamer.chat_becomes("reading").await;
    // Twitch tells the instance that registered the webhook last.
    for why in [Status::VersionRemoved, Status::NotificationFailuresExceeded] {
        let before = live(&fleet.sim);
        assert_eq!(before.len(), 1);
        assert!(fleet.sim.revoke_subscription(&before[0], why).await);
        assert!(fleet.sim.wait_until(SOON, |sim| live(sim).len() == 1).await, "{why:?}");
        for instance in &fleet.instances {
            streamer.browser = streamer.browser.clone().moved_to(instance);
            streamer.chat_becomes("reading").await;
        }
        assert_eq!(live(&fleet.sim).len(), 1);
    }
}

#[tokio::test]
async fn what_a_dead_leader_should_have_stopped_the_next_one_stops() {
    let mut fleet = Fleet::start_with(|setup| fast(setup).set("SUBSCRIPTION_GRACE", "2s")).await;
    let mut streamer = fleet.log_in().await;
    let leader = fleet.leader().await;
    let follower = (leader + 1) % fleet.instances.len();
    let overlay = streamer.open_overlay(&fleet.instances[follower]).await;
    streamer.chat_becomes("reading").await;
    overlay.close().await;
    // The session is gone, and only the leader knows that the chat's grace runs.
    eventually("the session was cleaned up", async || {
        crate::support::live::session_keys(&fleet.redis, &streamer.overlay).is_empty().then_some(())
    })
    .await;
    assert_eq!(live(&fleet.sim).len(), 1);
    // A clean stop gives leadership away at once.
    fleet.instances.remove(leader).stop().await;
    assert!(fleet.sim.wait_until(SOON, |sim| live(sim).is_empty()).await);
}

/// At an instance that had nothing to do with the refusal.
async fn agreeing_anew_counts_everywhere(fleet: Fleet) {
    let streamer = fleet.log_in().await;
    let mut overlay = streamer.open_overlay(&fleet.instances[0]).await;
    overlay.next_value().await;
    assert!(fleet.sim.wait_until_subscribed(STREAMER, SOON).await);
    let notes = async || fleet.total("pubsub_messages_received_total", &[("channel", "platform:note")]).await;
    let before = notes().await;
    fleet.sim.disconnect_user(STREAMER).await;
    assert!(fleet.sim.wait_until(SOON, |sim| live(sim).is_empty()).await);
    eventually("the others were told that the chat is refused", async || {
        (notes().await >= before + 2.0).then_some(())
    })
    .await;
    let mut again = Streamer::log_in(&fleet.instances[1], &fleet.sim, STREAMER).await;
    assert!(fleet.sim.wait_until_subscribed(STREAMER, SOON).await);
    for instance in &fleet.instances {
        again.browser = again.browser.clone().moved_to(instance);
        again.chat_becomes("reading").await;
    }
    assert_eq!(live(&fleet.sim).len(), 1);
}

#[tokio::test]
async fn agreeing_anew_counts_everywhere_with_webhooks() {
    agreeing_anew_counts_everywhere(Fleet::start().await).await;
}

#[tokio::test]
async fn agreeing_anew_counts_everywhere_with_a_socket() {
    let mut fleet = Fleet::without_instances(0, |setup| setup).await.by_socket();
    fleet.add_instances(3).await;
    // The leader's place is any: what is refused is known to it alone.
    let leader = fleet.leader().await;
    fleet.instances.swap(2, leader);
    agreeing_anew_counts_everywhere(fleet).await;
}

/// Only a person can correct it: it is not requested again until somebody agrees, and every dashboard says so.
#[tokio::test]
async fn what_needs_a_person_is_known_everywhere_and_not_made_again() {
    let fleet = Fleet::start().await;
    let mut streamer = fleet.log_in().await;
    let _overlay = streamer.open_overlay(&fleet.instances[0]).await;
    streamer.chat_becomes("reading").await;
    let before = live(&fleet.sim);
    assert!(fleet.sim.revoke_subscription(&before[0], Status::UserRemoved).await);
    for instance in &fleet.instances {
        streamer.browser = streamer.browser.clone().moved_to(instance);
        streamer.chat_becomes("not_authorized").await;
    }
    assert!(live(&fleet.sim).is_empty());
    let mut again = Streamer::log_in(&fleet.instances[1], &fleet.sim, STREAMER).await;
    for instance in &fleet.instances {
        again.browser = again.browser.clone().moved_to(instance);
        again.chat_becomes("reading").await;
    }
    assert_eq!(live(&fleet.sim).len(), 1);
}

/// It may be the one that the streamer's dashboard is at.
#[tokio::test]
async fn an_instance_that_starts_later_knows_what_was_refused() {
    let mut fleet = Fleet::without_instances(0, |setup| setup).await;
    fleet.add_instances(2).await;
    let mut streamer = fleet.log_in().await;
    let leader = fleet.leader().await;
    let _overlay = streamer.open_overlay(&fleet.instances[1 - leader]).await;
    streamer.chat_becomes("reading").await;
    assert!(fleet.sim.revoke_subscription(&live(&fleet.sim)[0], Status::UserRemoved).await);
    streamer.chat_becomes("not_authorized").await;
    fleet.add_instances(1).await;
    streamer.browser = streamer.browser.clone().moved_to(&fleet.instances[2]);
    streamer.chat_becomes("not_authorized").await;
}
