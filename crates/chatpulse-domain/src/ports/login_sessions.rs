//! Login sessions. The server stores them, so that a copied cookie can be made invalid.

use async_trait::async_trait;

use crate::ids::StreamerId;
use crate::login::{LoginHash, LoginSession};
use crate::time::Timestamp;

use super::error::StoreError;

/// Stores login sessions.
///
/// Every adapter promises, and the testkit's contract checks:
/// - a session is found until `expires_at`, and never after it, in lists as well;
/// - after `end` or `end_all` a session is invalid for every copy of the cookie;
/// - of several calls of `spend_state` with the same hash exactly one returns true, until it expires.
#[async_trait]
pub trait LoginSessions: Send + Sync {
    /// Stores a new session.
    async fn begin(&self, session: &LoginSession) -> Result<(), StoreError>;

    /// Finds a session that is valid at `now`.
    async fn find(&self, hash: LoginHash, now: Timestamp) -> Result<Option<LoginSession>, StoreError>;

    /// Lists a streamer's sessions that are valid at `now`, the newest first.
    async fn all_of(&self, streamer: StreamerId, now: Timestamp) -> Result<Vec<LoginSession>, StoreError>;

    /// Lists the streamers who are logged in at `now`, the newest login first.
    async fn streamers(&self, now: Timestamp) -> Result<Vec<StreamerId>, StoreError>;

    /// Ends one session.
    async fn end(&self, hash: LoginHash) -> Result<(), StoreError>;

    /// Ends every session of a streamer.
    async fn end_all(&self, streamer: StreamerId) -> Result<(), StoreError>;

    /// Spends the OAuth state with this hash, which is remembered until `expires_at`. Returns false if it was spent before.
    async fn spend_state(&self, state: LoginHash, expires_at: Timestamp) -> Result<bool, StoreError>;

    /// Returns whether the OAuth state with this hash was spent and is still remembered at `now`.
    async fn is_spent(&self, state: LoginHash, now: Timestamp) -> Result<bool, StoreError>;

    /// Deletes sessions and spent states that expired before `now`. Returns how many sessions there were.
    async fn delete_expired(&self, now: Timestamp) -> Result<u64, StoreError>;
}
