//! Every vote has exactly one result, however many instances receive it at once.

use futures_util::StreamExt;
use futures_util::stream;
use uuid::Uuid;

use crate::support::chat::{Line, Post};
use crate::support::fleet::Fleet;
use crate::support::streamer::Streamer;
use crate::support::world::RESULTS;

/// `votes_last_minute` only looks back so far: a wave of sessions is voted in and counted, then the next.
const WAVES: usize = 5;
const SESSIONS_A_WAVE: usize = 10;
const VOTES_A_SESSION: usize = 400;

/// Requests on their way at once.
const AT_ONCE: usize = 64;

#[tokio::test]
async fn twenty_thousand_votes_with_random_repeats_add_up_on_every_session() {
    let sessions = WAVES * SESSIONS_A_WAVE;
    let mut fleet = Fleet::without_instances(sessions, |setup| {
        setup.set("CONNECTION_RATE_PER_IP", "1000").set("CONNECTION_RATE_BURST", "1000")
    })
    .await;
    fleet.add_instances(3).await;
    let (mut streamers, mut overlays) = (Vec::new(), Vec::new());
    for place in 0..sessions {
        let streamer = fleet.log_in_as(&Fleet::extra_user(place)).await;
        overlays.push(streamer.open_overlay(&fleet.instances[place % 3]).await);
        streamers.push(streamer);
    }
    let mut repeats = 0;
    for wave in 0..WAVES {
        let places = wave * SESSIONS_A_WAVE..(wave + 1) * SESSIONS_A_WAVE;
        repeats += vote(&fleet, places.clone()).await;
        for place in places {
            assert_eq!(votes_last_minute(&mut streamers[place]).await, VOTES_A_SESSION, "session {place}");
        }
    }
    assert!(repeats > 0);
    let votes = sessions * VOTES_A_SESSION;
    for result in RESULTS {
        let expected = match result {
            "applied" => votes,
            "duplicate" => repeats,
            _ => 0,
        };
        assert_eq!(fleet.counted(result).await, f64::from(u32::try_from(expected).unwrap()), "{result}");
    }
}

async fn votes_last_minute(streamer: &mut Streamer) -> usize {
    usize::try_from(streamer.status().await["votes_last_minute"].as_u64().unwrap()).unwrap()
}

/// Posts all votes of these sessions, session by session in turn. Returns how many deliveries were repeats.
async fn vote(fleet: &Fleet, places: std::ops::Range<usize>) -> usize {
    let votes = (0..VOTES_A_SESSION).flat_map(|chatter| places.clone().map(move |place| (chatter, place)));
    let posts = votes.flat_map(|(chatter, place)| {
        let text = if chatter % 3 == 0 { "no" } else { "yes" };
        let line = Line::new(&format!("Chatter{place}x{chatter}"), text);
        let line = line.with("broadcaster_user_id", Fleet::extra_user(place));
        deliveries(&line)
    });
    let mut sent = 0;
    let answers = stream::iter(posts.enumerate())
        .map(async |(turn, post)| post.send(&fleet.instances[turn % 3]).await)
        .buffer_unordered(AT_ONCE);
    let mut answers = std::pin::pin!(answers);
    while let Some(answer) = answers.next().await {
        answer.expect(204);
        sent += 1;
    }
    sent - places.len() * VOTES_A_SESSION
}

/// One time in eight twice or three times: the same bytes, or the same line under another transport id.
fn deliveries(line: &Line) -> Vec<Post> {
    let post = line.post();
    match Uuid::new_v4().as_bytes()[0] % 16 {
        0 => vec![post.clone(), post],
        1 => vec![post.clone(), line.post(), post],
        _ => vec![post],
    }
}
