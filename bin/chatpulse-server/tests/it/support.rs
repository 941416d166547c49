//! Shared test support: a server in its own folder, a browser, overlays, and Twitch's side of a webhook.

pub(crate) mod browser;
pub(crate) mod chat;
pub(crate) mod fleet;
pub(crate) mod live;
pub(crate) mod load;
pub(crate) mod metrics;
pub(crate) mod overlay;
pub(crate) mod recording;
pub(crate) mod server;
pub(crate) mod streamer;
pub(crate) mod wire;
pub(crate) mod world;

use std::time::Duration;

use tokio::time::Instant;

/// Default timeout of every wait.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// Polls until a value is available, for changes that are not announced.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(SOON, what, look).await
}

/// Like `eventually`, with another timeout.
pub(crate) async fn within<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
