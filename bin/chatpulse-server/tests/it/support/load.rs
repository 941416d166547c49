//! Continuous chat load.

#![expect(clippy::print_stdout, reason = "a test says what it measured")]

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::chat::Line;
use super::server::Server;

/// Votes for one side by new chatters, posted to the instances in turn.
pub(crate) struct Load {
    stop: oneshot::Sender<()>,
    posting: JoinHandle<Vec<Posted>>,
}

/// The response to one webhook request.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) status: u16,
    pub(crate) took: Duration,
}

impl Load {
    /// Posts one vote per interval; a slow response does not delay the next vote.
    pub(crate) fn on(instances: &[Server], every: Duration) -> Self {
        let doors: Vec<_> =
            instances.iter().map(|server| (server.http.clone(), server.base.clone())).collect();
        let (stop, mut stopped) = oneshot::channel();
        let posting = tokio::spawn(async move {
            let (mut posts, mut ticks) = (JoinSet::new(), interval(every));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for (http, base) in doors.iter().cycle() {
                tokio::select! {
                    _ = &mut stopped => break,
                    _ = ticks.tick() => {}
                }
                let chatter = format!("Viewer{}", posts.len());
                let request = Line::new(&chatter, "yes").post().request(http, base);
                posts.spawn(async move {
                    let at = Instant::now();
                    let status = request.send().await.unwrap().status().as_u16();
                    Posted { status, took: at.elapsed() }
                });
            }
            posts.join_all().await
        });
        Self { stop, posting }
    }

    /// Stops the load and asserts that every vote was answered with 204 within `limit`. Returns the number of votes as
    /// a metric value.
    pub(crate) async fn end_answered_within(self, limit: Duration) -> f64 {
        let _ = self.stop.send(());
        let all = self.posting.await.unwrap();
        let slowest = all.iter().max_by_key(|posted| posted.took).unwrap();
        println!("{} votes posted, the slowest answer took {:?}", all.len(), slowest.took);
        assert!(all.iter().all(|posted| posted.status == 204), "{all:?}");
        assert!(slowest.took < limit, "{slowest:?}");
        f64::from(u32::try_from(all.len()).unwrap())
    }
}
