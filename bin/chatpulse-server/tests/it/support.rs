//! What every story needs: a server in a folder of its own, a browser, overlays, Twitch's side of a webhook.

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

/// How long anything may take before a test fails.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// Asks again and again until the answer is there. For what nobody announces.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(SOON, what, look).await
}

/// The same, for what has another deadline.
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
