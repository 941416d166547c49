//! The live number behind each bar.

use async_trait::async_trait;

use crate::ids::{MessageId, OverlayId};
use crate::reading::Reading;
use crate::sentiment::Sentiment;
use crate::side::Side;
use crate::vote::{Vote, VoteOutcome};

use super::error::StoreError;

/// Counts votes. Sessions come and go through [`super::sessions::SessionStore`] of the same adapter.
///
/// Every adapter promises, and the testkit's contract checks:
/// - `cast` is one atomic step, in this order: session there? seen before? debounced? a token left? apply;
/// - "seen" is noted for every vote that finds its session, whatever comes after; debounce and token are
///   spent only by a vote that is applied;
/// - applying decays the value to now, adds ±10, clamps to the bar;
/// - a message counts once for ten minutes; a chatter once a second per session;
/// - one session's votes never reach another's value;
/// - nothing here creates a session.
#[async_trait]
pub trait VoteStore: Send + Sync {
    /// Counts one chat vote.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no answer came in time; the vote may or may not count, but never twice.
    async fn cast(&self, vote: &Vote) -> Result<VoteOutcome, StoreError>;

    /// Notes a message that is no vote, such as a moderator's command. `true` if it was not seen before: a repeated delivery
    /// has no effect, at any instance.
    async fn note_seen(&self, overlay: OverlayId, message: &MessageId) -> Result<bool, StoreError>;

    /// One synthetic vote: applied as it is, past debounce and bucket. `None` without a session.
    async fn push(&self, overlay: OverlayId, side: Side) -> Result<Option<Sentiment>, StoreError>;

    /// Many sessions in one go, in the order asked; `None` where there is no session.
    async fn read(&self, overlays: &[OverlayId]) -> Result<Vec<Option<Reading>>, StoreError>;

    /// Back to the centre, and a share begins anew, also one that waits for its session. `false` without a session.
    async fn reset(&self, overlay: OverlayId) -> Result<bool, StoreError>;
}
