//! An overlay that is read continuously, so that a test can do something else and check the frames later.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::overlay::{Overlay, Shown, Told};

/// Longer than any test.
const ALWAYS: Duration = Duration::from_hours(1);

pub(crate) struct Recording {
    told: watch::Receiver<Vec<Told>>,
    /// Number of frames that [`Self::shows`] has consumed.
    passed: usize,
    reading: JoinHandle<()>,
}

impl Recording {
    /// Starts recording an overlay.
    pub(crate) fn of(mut overlay: Overlay) -> Self {
        let (all, told) = watch::channel(Vec::new());
        let reading = tokio::spawn(async move {
            while let Some(news) = overlay.next_within(ALWAYS).await {
                let is_closed = matches!(news, Told::Closed(..));
                all.send_modify(|all| all.push(news));
                if is_closed {
                    break;
                }
            }
        });
        Self { told, passed: 0, reading }
    }

    /// Waits for the next frame that matches, and consumes the frames before it.
    pub(crate) async fn shows(&mut self, limit: Duration, like_this: impl Fn(&Shown) -> bool) -> Shown {
        let waiting = async {
            loop {
                let found = self.told.borrow_and_update()[self.passed..].iter().find_map(|told| {
                    self.passed += 1;
                    match told {
                        Told::Value(shown) if like_this(shown) => Some(shown.clone()),
                        Told::Closed(code, reason) => panic!("closed with {code} {reason}"),
                        _ => None,
                    }
                });
                if let Some(shown) = found {
                    return shown;
                }
                self.told.changed().await.unwrap();
            }
        };
        let shown = timeout(limit, waiting).await;
        shown.unwrap_or_else(|_| panic!("no such value within {limit:?}: {:?}", self.told.borrow()))
    }

    /// Returns all frames so far; panics if the socket was closed.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let told = self.told.borrow();
        let values = told.iter().filter_map(|told| match told {
            Told::Value(shown) => Some(shown.clone()),
            Told::Config(_) => None,
            Told::Closed(code, reason) => panic!("closed with {code} {reason}"),
        });
        values.collect()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
