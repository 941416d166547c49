//! How chat would reach us now, as Twitch sees it: for `chatpulse check`. Changes nothing.

use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;

use crate::error::TwitchError;
use crate::helix::Helix;
use crate::helix::conduits::{ConduitApi as _, ENABLED};

/// Source: "Conduits" in Twitch's documentation.
const CONDUITS_MAX: usize = 5;

/// What Twitch has of our conduit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatConnection {
    /// Twitch delivers to each of its shards.
    Enabled,
    /// One of its shards has this status; `None` if no shard ever had a transport.
    Disabled(Option<String>),
    /// There is none, or none any more; the server creates one.
    Missing,
    /// The same, but Twitch allows this client id no further one.
    LimitReached,
}

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// Twitch did not answer.
    #[error(transparent)]
    Twitch(#[from] TwitchError),
    /// The database did not say which conduit is ours.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks up in our records which conduit is ours, and at Twitch how it is.
pub async fn inspect(
    helix: &Helix,
    records: &dyn SubscriptionRepository,
) -> Result<ChatConnection, InspectError> {
    let stored = records.conduit().await?;
    let existing = helix.conduits().await?;
    let ours = stored.and_then(|stored| existing.iter().find(|conduit| conduit.id == stored));
    let Some(ours) = ours else {
        let is_full = existing.len() >= CONDUITS_MAX;
        return Ok(if is_full { ChatConnection::LimitReached } else { ChatConnection::Missing });
    };
    let mut shards = helix.shards(&ours.id).await?;
    // Shards that were removed may stay in the list for a while (twitchdev/issues#914).
    shards.retain(|shard| shard.index.is_some_and(|index| index < ours.shard_count));
    Ok(match shards.iter().find(|shard| shard.status != ENABLED) {
        None if !shards.is_empty() => ChatConnection::Enabled,
        shard => ChatConnection::Disabled(shard.map(|shard| shard.status.clone())),
    })
}
