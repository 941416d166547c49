//! How chat would reach us just now, as Twitch sees it: for whoever checks an installation. Changes nothing.

use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;

use crate::error::TwitchError;
use crate::helix::Helix;

/// Source: "Conduits" in Twitch's documentation.
const CONDUITS_MAX: usize = 5;

/// What is there at Twitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatConnection {
    /// Each of our conduit's shards gets what is said.
    Enabled,
    /// Our conduit is there and one of its shards has this status; `None` if none ever had a transport.
    Disabled(Option<String>),
    /// There is none yet, or no longer; the server makes one.
    NotMade,
    /// The same, but Twitch allows this client id no further one.
    NoRoom,
}

/// Why nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Twitch did not say.
    #[error(transparent)]
    Twitch(#[from] TwitchError),
    /// Which conduit is ours could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks our records which conduit is ours, and Twitch how it is.
pub async fn look(helix: &Helix, records: &dyn SubscriptionRepository) -> Result<ChatConnection, LookError> {
    let stored = records.conduit().await?;
    let existing = helix.conduits().await?;
    let ours = stored.and_then(|stored| existing.iter().find(|conduit| conduit.id == stored));
    let Some(ours) = ours else {
        let is_full = existing.len() >= CONDUITS_MAX;
        return Ok(if is_full { ChatConnection::NoRoom } else { ChatConnection::NotMade });
    };
    let mut shards = helix.shards(&ours.id).await?;
    // Those that were taken away may go on for a while (twitchdev/issues#914).
    shards.retain(|(id, _)| id.parse::<u32>().is_ok_and(|id| id < ours.shard_count));
    let is_enabled = |status: &String| status == "enabled";
    Ok(match shards.iter().map(|(_, status)| status).find(|status| !is_enabled(status)) {
        None if !shards.is_empty() => ChatConnection::Enabled,
        status => ChatConnection::Disabled(status.cloned()),
    })
}
