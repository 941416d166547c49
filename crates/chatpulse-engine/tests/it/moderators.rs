//! What a moderator's command in chat does.

use std::time::Duration;

use chatpulse_domain::message::ChatMessage;
use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::ports::chat_sink::ChatOutcome;
use chatpulse_domain::ports::votes::VoteStore as _;
use chatpulse_domain::side::Side;
use chatpulse_engine::sessions::Watcher;

use crate::world::{World, world};

/// How long housekeeping runs, so that it has taken every command from its queue.
const A_MOMENT: Duration = Duration::from_secs(1);

impl World {
    async fn say(&self, text: &str) -> ChatOutcome {
        self.engine.pipeline.handle(&self.message(text)).await
    }

    async fn say_as_moderator(&self, text: &str) -> ChatOutcome {
        let message = ChatMessage { by_moderator: true, ..self.message(text) };
        self.engine.pipeline.handle(&message).await
    }

    async fn bar(&self) -> f64 {
        let reading = self.live.read(&[self.streamer.overlay]).await.unwrap()[0].unwrap();
        reading.sentiment.value()
    }

    async fn allow_commands(&self, mod_commands: bool) {
        let settings = OverlaySettings { mod_commands, ..OverlaySettings::default() };
        self.engine.settings.save(&self.streamer, &settings, None).await.unwrap();
    }
}

fn is_applied(outcome: ChatOutcome) -> bool {
    matches!(outcome, ChatOutcome::Applied { .. })
}

#[tokio::test(start_paused = true)]
async fn a_moderators_reset_centres_the_bar_and_is_no_vote() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.allow_commands(true).await;
    assert!(is_applied(world.say("yes").await));
    assert_eq!(world.say_as_moderator("!pulse reset").await, ChatOutcome::NoMatch);
    world.keep_house(A_MOMENT).await;
    assert!(world.bar().await.abs() < f64::EPSILON);
}

#[tokio::test(start_paused = true)]
async fn a_viewers_command_does_nothing_and_is_no_vote() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.allow_commands(true).await;
    assert!(is_applied(world.say("yes").await));
    assert_eq!(world.say("!pulse reset").await, ChatOutcome::NoMatch);
    world.keep_house(A_MOMENT).await;
    assert!((world.bar().await - 10.0).abs() < f64::EPSILON);
}

#[tokio::test(start_paused = true)]
async fn with_commands_turned_off_a_moderators_line_is_ordinary_chat() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    world.allow_commands(false).await;
    assert!(is_applied(world.say("yes").await));
    for command in ["!pulse reset", "!pulse pause"] {
        assert_eq!(world.say_as_moderator(command).await, ChatOutcome::NoMatch);
    }
    world.keep_house(A_MOMENT).await;
    assert!((world.bar().await - 10.0).abs() < f64::EPSILON);
    assert!(is_applied(world.say("yes").await));
}

#[tokio::test(start_paused = true)]
async fn a_vote_during_a_pause_never_counts() {
    let mut world = world().await;
    let _open = world.open(Watcher::Viewer).await;
    assert_eq!(world.say_as_moderator("!pulse pause").await, ChatOutcome::NoMatch);
    world.keep_house(A_MOMENT).await;
    let (vote, side) = (world.message("yes"), Side::For);
    assert_eq!(world.engine.pipeline.handle(&vote).await, ChatOutcome::Paused { side });
    assert_eq!(world.engine.pipeline.handle(&vote).await, ChatOutcome::Duplicate { side });
    assert_eq!(world.say("what a play").await, ChatOutcome::NoMatch);
    world.restart();
    assert_eq!(world.say_as_moderator("!pulse resume").await, ChatOutcome::NoMatch);
    world.keep_house(A_MOMENT).await;
    assert_eq!(world.engine.pipeline.handle(&vote).await, ChatOutcome::Duplicate { side });
    assert!(is_applied(world.say("yes").await));
}

#[tokio::test(start_paused = true)]
async fn a_pause_needs_no_open_overlay() {
    let mut world = world().await;
    assert_eq!(world.say_as_moderator("!pulse pause").await, ChatOutcome::NoSession);
    world.keep_house(A_MOMENT).await;
    world.restart();
    let _open = world.open(Watcher::Viewer).await;
    assert_eq!(world.say("yes").await, ChatOutcome::Paused { side: Side::For });
}
