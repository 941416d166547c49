//! Twitch starts late, becomes unavailable, rejects requests, loses state and revokes what it granted. Chat is still
//! read, over either transport.

mod bad_month;
mod connecting;
mod revocations;
mod socket;
mod subscriptions;

use chatpulse_twitch_sim::{ChatLine, Chatter, Sim, Status};

use crate::support::SOON;
use crate::support::overlay::Overlay;
use crate::support::streamer::Streamer;
use crate::support::world::{STREAMER, World};

async fn is_read(world: &World, streamer: &mut Streamer, overlay: &mut Overlay) {
    is_read_from(&world.sim, streamer, overlay).await;
}

/// The dashboard says so, and a line that is typed moves the bar.
async fn is_read_from(sim: &Sim, streamer: &mut Streamer, overlay: &mut Overlay) {
    streamer.chat_becomes("reading").await;
    assert!(sim.wait_until_subscribed(STREAMER, SOON).await);
    streamer.reset().await;
    let name = format!("Viewer{}", uuid::Uuid::new_v4().simple());
    let line = ChatLine::new(STREAMER, Chatter::named(name), "yes");
    assert_eq!(sim.say(line).await.deliveries, 1);
    overlay.shows(|value| value > 2.0).await;
}

/// Live chat subscriptions, by id.
fn live(sim: &Sim) -> Vec<String> {
    let all = sim.chat_subscriptions().into_iter();
    all.filter(|one| one.status == Status::Enabled).map(|one| one.id).collect()
}
