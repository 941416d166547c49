//! Compares two adapters of live state: given the same random steps, both answer the same. The rules of a vote exist twice,
//! in `chatpulse_domain::live` and in Lua, and this keeps the two equal.

use std::time::Duration;

use chatpulse_domain::ids::{ChannelId, InstanceId, OverlayId};
use chatpulse_domain::mode::Mode;
use chatpulse_domain::overlay::{OverlaySettings, VersionedSettings};
use chatpulse_domain::reading::Reading;
use chatpulse_domain::sentiment::Sentiment;
use chatpulse_domain::session::{Orphan, Session, SessionActivity, SessionSeed};
use chatpulse_domain::side::Side;
use chatpulse_domain::vote::{Vote, VoteOutcome};
use chatpulse_domain::window::Window;
use proptest::prelude::*;

use super::{Live, assert_close};
use crate::builders as build;

/// Overlays in the [`World`]; the first two belong to one streamer, as after a rotation.
const OVERLAYS: usize = 3;

/// One call, or a wait. The three overlays and two instances are numbered from 0.
#[derive(Debug, Clone)]
pub enum Step {
    /// An instance attaches to a session.
    Attach {
        /// Which overlay.
        overlay: usize,
        /// Which instance.
        instance: usize,
        /// Number of its sockets.
        viewers: u32,
        /// The version of the settings that it knows.
        version: u64,
    },
    /// An instance releases a session.
    Release {
        /// Which overlay.
        overlay: usize,
        /// Which instance.
        instance: usize,
    },
    /// A chat vote.
    Cast {
        /// Which overlay.
        overlay: usize,
        /// One of a few chatters.
        chatter: u8,
        /// One of a few messages.
        message: u8,
        /// Which side.
        side: Side,
    },
    /// A synthetic vote.
    Push {
        /// Which overlay.
        overlay: usize,
        /// Which side.
        side: Side,
    },
    /// The bar is reset.
    Reset {
        /// Which overlay.
        overlay: usize,
    },
    /// Settings arrive, newer or older than the session's.
    PutSettings {
        /// Which overlay.
        overlay: usize,
        /// Their version.
        version: u64,
    },
    /// The overlay URL is replaced.
    Delete {
        /// Which overlay.
        overlay: usize,
    },
    /// The cleanup deletes a session if it is an orphan.
    DeleteOrphan {
        /// Which overlay.
        overlay: usize,
    },
    /// Time passes.
    Wait {
        /// Milliseconds.
        ms: u64,
    },
}

/// Age from which the cleanup deletes an orphan.
const ORPHAN_AGE: Duration = Duration::from_secs(30);

/// Random steps, mostly votes. There are few overlays, chatters and messages, so that the steps concern the same ones.
pub fn steps(at_most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..at_most)
}

fn step() -> impl Strategy<Value = Step> {
    let overlay = || 0..OVERLAYS;
    let side = || prop::sample::select(Side::BOTH.to_vec());
    prop_oneof![
        4 => (overlay(), 0_usize..2, 0_u32..4, 1_u64..6).prop_map(|(overlay, instance, viewers, version)| {
            Step::Attach { overlay, instance, viewers, version }
        }),
        2 => (overlay(), 0_usize..2).prop_map(|(overlay, instance)| Step::Release { overlay, instance }),
        12 => (overlay(), 0_u8..6, 0_u8..40, side()).prop_map(|(overlay, chatter, message, side)| {
            Step::Cast { overlay, chatter, message, side }
        }),
        2 => (overlay(), side()).prop_map(|(overlay, side)| Step::Push { overlay, side }),
        1 => overlay().prop_map(|overlay| Step::Reset { overlay }),
        2 => (overlay(), 1_u64..12).prop_map(|(overlay, version)| Step::PutSettings { overlay, version }),
        1 => overlay().prop_map(|overlay| Step::Delete { overlay }),
        1 => overlay().prop_map(|overlay| Step::DeleteOrphan { overlay }),
        6 => wait().prop_map(|ms| Step::Wait { ms }),
    ]
}

/// Mostly short waits; sometimes exactly, or 1 ms less than, the span of a rule.
fn wait() -> impl Strategy<Value = u64> {
    let edges = vec![1, 999, 1_000, 29_999, 30_000, 60_000, 599_999, 600_000, 3_600_000];
    prop_oneof![4 => 0_u64..2_000, 2 => prop::sample::select(edges), 1 => 0_u64..4_000_000]
}

/// Takes the same steps with both adapters and compares all their answers after each.
pub async fn agree(left: &Live, right: &Live, steps: &[Step]) {
    let world = World::new();
    for (number, step) in steps.iter().enumerate() {
        let answers = (world.take(left, step).await, world.take(right, step).await);
        assert_same_answer(&answers.0, &answers.1, &format!("step {number}, {step:?}"));
        let views = (world.look_at(left).await, world.look_at(right).await);
        assert_same_view(&views.0, &views.1, &format!("after step {number}, {step:?}"));
    }
}

/// Ids that no other run uses, so that runs may share a server.
struct World {
    seeds: [SessionSeed; OVERLAYS],
}

/// The answer to a call: the word must be equal, the value close.
#[derive(Debug)]
struct Answer {
    word: String,
    value: Option<f64>,
}

/// Everything that an adapter says about the overlays.
#[derive(Debug)]
struct View {
    readings: Vec<Option<Reading>>,
    found: Vec<Option<Session>>,
    activity: Vec<Option<SessionActivity>>,
    orphans: Vec<Orphan>,
}

impl World {
    fn new() -> Self {
        let (rotated, other) = (build::fresh_channel(), build::fresh_channel());
        let seed =
            |broadcaster: &ChannelId| SessionSeed { broadcaster: broadcaster.clone(), ..build::seed() };
        Self { seeds: [seed(&rotated), seed(&rotated), seed(&other)] }
    }

    fn overlay(&self, place: usize) -> OverlayId {
        self.seeds[place].overlay
    }

    async fn take(&self, live: &Live, step: &Step) -> Answer {
        match *step {
            Step::Attach { overlay, instance, viewers, version } => {
                let seed = SessionSeed { settings: settings_at(version), ..self.seeds[overlay].clone() };
                let instance = instance_at(instance);
                live.sessions.attach(&seed, &instance, viewers).await.unwrap();
                Answer::done()
            }
            Step::Release { overlay, instance } => {
                let instance = instance_at(instance);
                let released = live.sessions.release(self.overlay(overlay), &instance);
                released.await.unwrap();
                Answer::done()
            }
            Step::Cast { overlay, chatter, message, side } => {
                let vote = Vote {
                    overlay: self.overlay(overlay),
                    chatter: build::chatter(&format!("chatter-{chatter}")),
                    message: build::message_id(&format!("message-{message}")),
                    side,
                };
                Answer::outcome(live.votes.cast(&vote).await.unwrap())
            }
            Step::Push { overlay, side } => {
                let pushed = live.votes.push(self.overlay(overlay), side).await.unwrap();
                Answer::value(pushed)
            }
            Step::Reset { overlay } => Answer::did(live.votes.reset(self.overlay(overlay)).await.unwrap()),
            Step::PutSettings { overlay, version } => {
                let settings = settings_at(version);
                let put = live.sessions.put_settings(self.overlay(overlay), &settings);
                Answer::did(put.await.unwrap())
            }
            Step::Delete { overlay } => {
                live.sessions.delete(self.overlay(overlay)).await.unwrap();
                Answer::done()
            }
            Step::DeleteOrphan { overlay } => {
                let deleted = live.sessions.delete_orphan(self.overlay(overlay), ORPHAN_AGE);
                Answer::did(deleted.await.unwrap())
            }
            Step::Wait { ms } => {
                live.time.advance(Duration::from_millis(ms)).await;
                Answer::done()
            }
        }
    }

    async fn look_at(&self, live: &Live) -> View {
        let overlays: Vec<OverlayId> = self.seeds.iter().map(|seed| seed.overlay).collect();
        let mut view = View {
            readings: live.votes.read(&overlays).await.unwrap(),
            found: Vec::new(),
            activity: Vec::new(),
            orphans: live.sessions.orphans(ORPHAN_AGE).await.unwrap(),
        };
        for seed in &self.seeds {
            view.found.push(live.sessions.find(&seed.broadcaster).await.unwrap());
            view.activity.push(live.sessions.activity(seed.overlay).await.unwrap());
        }
        view.orphans.retain(|orphan| overlays.contains(&orphan.overlay));
        view.orphans.sort_by_key(|orphan| orphan.overlay);
        view
    }
}

fn instance_at(place: usize) -> InstanceId {
    build::instance(&format!("instance-{place}"))
}

/// Each version has its own decay speed, so that decay at the wrong speed shows, and most change mode or window.
fn settings_at(version: u64) -> VersionedSettings {
    let step = f64::from(u32::try_from(version % 10).unwrap());
    let mode = if version.is_multiple_of(3) { Mode::Momentum } else { Mode::Share };
    let window = match version % 4 {
        0 => Window::UntilReset,
        1 | 2 => build::window(5),
        _ => build::window(120),
    };
    let settings = build::settings_with_decay(0.1 + step / 20.0).over(window);
    build::versioned(OverlaySettings { mode, one_vote_each: version % 5 < 3, ..settings }, version)
}

impl Answer {
    fn done() -> Self {
        Self::did(true)
    }

    fn did(did: bool) -> Self {
        Self { word: did.to_string(), value: None }
    }

    fn outcome(outcome: VoteOutcome) -> Self {
        match outcome {
            VoteOutcome::Applied(sentiment) => Self::value(Some(sentiment)),
            refused => Self { word: format!("{refused:?}"), value: None },
        }
    }

    fn value(sentiment: Option<Sentiment>) -> Self {
        Self { word: String::new(), value: sentiment.map(Sentiment::value) }
    }
}

fn assert_same_answer(left: &Answer, right: &Answer, when: &str) {
    assert_eq!(left.word, right.word, "{when}");
    match (left.value, right.value) {
        (Some(left), Some(right)) => assert_close(left, right),
        (left, right) => assert_eq!(left, right, "{when}"),
    }
}

fn assert_same_view(left: &View, right: &View, when: &str) {
    assert_eq!(left.found, right.found, "{when}");
    assert_eq!(left.activity, right.activity, "{when}");
    assert_eq!(left.orphans, right.orphans, "{when}");
    for (left, right) in left.readings.iter().zip(&right.readings) {
        match (left, right) {
            (Some(left), Some(right)) => {
                assert_close(left.sentiment.value(), right.sentiment.value());
                assert_eq!((left.age, left.decay), (right.age, right.decay), "{when}");
                assert_eq!(left.tally, right.tally, "{when}");
            }
            _ => assert_eq!(left, right, "{when}"),
        }
    }
}
