//! Votes and the value behind each bar.

use async_trait::async_trait;

use crate::ids::{MessageId, OverlayId};
use crate::reading::Reading;
use crate::sentiment::Sentiment;
use crate::side::Side;
use crate::vote::{Vote, VoteOutcome};

use super::error::StoreError;

/// Counts votes. [`super::sessions::SessionStore`] of the same adapter creates and deletes the sessions.
///
/// Every adapter promises, and the testkit's contract checks:
/// - `cast` is one atomic step, in this order: session there? seen before? debounced? a token left? apply;
/// - every vote that finds its session is remembered as seen; only a vote that is applied starts the debounce and takes a
///   token;
/// - applying decays the value to now, adds ±10, clamps to the bar;
/// - a message counts once for ten minutes; a chatter once a second per session;
/// - one session's votes never reach another's value;
/// - nothing here creates a session.
#[async_trait]
pub trait VoteStore: Send + Sync {
    /// Counts one chat vote.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no answer came in time. The vote does not count after this returned, and never
    /// twice; only where the answer was lost on its way it may have counted before.
    async fn cast(&self, vote: &Vote) -> Result<VoteOutcome, StoreError>;

    /// Remembers a message that is no vote, such as a moderator's command. Returns whether it is new, so that a repeated
    /// delivery has no effect at any instance.
    async fn note_seen(&self, overlay: OverlayId, message: &MessageId) -> Result<bool, StoreError>;

    /// Applies one synthetic vote, without debounce and token bucket. `None` without a session.
    async fn push(&self, overlay: OverlayId, side: Side) -> Result<Option<Sentiment>, StoreError>;

    /// Reads many sessions at once, in the order of `overlays`; `None` where there is no session.
    ///
    /// # Errors
    /// [`StoreError::RefusesWrites`] also while the store could read but takes no votes: the bars stand still then.
    async fn read(&self, overlays: &[OverlayId]) -> Result<Vec<Option<Reading>>, StoreError>;

    /// Moves the bar to the centre and empties the tally, also that of a closed overlay. Returns whether there is a session.
    async fn reset(&self, overlay: OverlayId) -> Result<bool, StoreError>;
}
