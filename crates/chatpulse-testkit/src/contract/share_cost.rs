//! Checks that a vote in share mode costs the same whether the window has many votes or few.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::session::SessionSeed;
use chatpulse_domain::side::Side;

use super::Live;
use crate::builders as build;

/// Largest accepted ratio of the cost with [`MANY`] votes in the window to the cost with [`FEW`].
const AT_MOST: f64 = 1.2;
const MANY: usize = 100_000;
const FEW: usize = 100;

/// Votes per measurement, and measurements of each of the two sessions.
const BATCH: usize = 200;
const PAIRS: usize = 41;

/// Number of tasks that fill the window.
const FILLED_AT_ONCE: usize = 50;

/// Rounds to try: other work on the machine makes a round slower, never faster.
const ROUNDS: usize = 4;

/// Measures both sessions alternately, so that other work on the machine slows both. Returns the ratio of the best round.
pub async fn is_the_same_for_many_votes(live: &Live) -> f64 {
    let (few, many) = (open(live, FEW).await, open(live, MANY).await);
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut ratios: Vec<f64> = Vec::with_capacity(PAIRS);
        for _ in 0..PAIRS {
            let (of_few, of_many) = (batch(live, few).await, batch(live, many).await);
            ratios.push(of_many.as_secs_f64() / of_few.as_secs_f64());
        }
        ratios.sort_by(f64::total_cmp);
        best = best.min(ratios[PAIRS / 2]);
        if best <= AT_MOST {
            return best;
        }
    }
    panic!("a vote among {MANY} costs {best} times one among {FEW}");
}

async fn open(live: &Live, votes: usize) -> OverlayId {
    let settings = build::versioned(build::settings_with_share(build::window(120), true), 1);
    let seed = SessionSeed { broadcaster: build::fresh_channel(), settings, ..build::seed() };
    live.sessions.attach(&seed, &build::instance("a"), 1).await.unwrap();
    let overlay = seed.overlay;
    let casting = (0..FILLED_AT_ONCE).map(|_| {
        let store = Arc::clone(&live.votes);
        tokio::spawn(async move {
            for _ in 0..votes.div_ceil(FILLED_AT_ONCE) {
                store.cast(&build::vote(overlay, Side::For)).await.unwrap();
            }
        })
    });
    for cast in casting.collect::<Vec<_>>() {
        cast.await.unwrap();
    }
    overlay
}

async fn batch(live: &Live, overlay: OverlayId) -> Duration {
    let votes: Vec<_> = (0..BATCH).map(|_| build::vote(overlay, Side::Against)).collect();
    let began = Instant::now();
    for vote in &votes {
        live.votes.cast(vote).await.unwrap();
    }
    began.elapsed()
}
