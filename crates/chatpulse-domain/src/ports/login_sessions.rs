//! Login sessions. The server stores them, so that a copied cookie can be made invalid.

use async_trait::async_trait;

use crate::ids::StreamerId;
use crate::login::{LoginHash, LoginSession};
use crate::time::Timestamp;

use super::error::StoreError;

/// Stores login sessions.
///
/// Every adapter promises, and the testkit's contract checks:
/// - a session is found until `expires_at`, and never after it;
/// - after `end` or `end_all` a session is invalid for every copy of the cookie.
#[async_trait]
pub trait LoginSessions: Send + Sync {
    /// Stores a new session.
    async fn begin(&self, session: &LoginSession) -> Result<(), StoreError>;

    /// Returns the streamer that a session belongs to, if it is valid at `now`.
    async fn find(&self, hash: LoginHash, now: Timestamp) -> Result<Option<StreamerId>, StoreError>;

    /// Ends one session.
    async fn end(&self, hash: LoginHash) -> Result<(), StoreError>;

    /// Ends every session of a streamer.
    async fn end_all(&self, streamer: StreamerId) -> Result<(), StoreError>;

    /// Deletes sessions that expired before `now`. Returns how many there were.
    async fn delete_expired(&self, now: Timestamp) -> Result<u64, StoreError>;
}
