//! Revocations and their reasons: subscribe again where that helps, or tell the streamer when a person must act.

use chatpulse_twitch_sim::Status;

use super::{is_read, live};
use crate::support::SOON;
use crate::support::world::{STREAMER, Way, World, by_both_ways};

by_both_ways! {
    what_can_be_made_again_is_made_again
    what_needs_a_person_is_said_until_somebody_agrees_again
}

async fn what_can_be_made_again_is_made_again(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    for why in [Status::NotificationFailuresExceeded, Status::VersionRemoved, Status::BetaMaintenance] {
        is_read(&world, &mut streamer, &mut overlay).await;
        let before = live(&world.sim);
        assert!(world.sim.revoke_subscription(&before[0], why).await);
        let again = world.sim.wait_until(SOON, |sim| live(sim).len() == 1 && live(sim) != before);
        assert!(again.await, "{why:?}");
    }
    is_read(&world, &mut streamer, &mut overlay).await;
}

async fn what_needs_a_person_is_said_until_somebody_agrees_again(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    for why in
        [Status::UserRemoved, Status::ModeratorRemoved, Status::ChatUserBanned, Status::AuthorizationRevoked]
    {
        is_read(&world, &mut streamer, &mut overlay).await;
        assert!(world.sim.revoke_subscription(&live(&world.sim)[0], why).await);
        streamer.chat_becomes("not_authorized").await;
        assert!(!world.sim.chat_is_read(STREAMER), "{why:?}: it is not tried blindly");
        // The next login asks again.
        streamer = world.log_in().await;
    }
    is_read(&world, &mut streamer, &mut overlay).await;
}
