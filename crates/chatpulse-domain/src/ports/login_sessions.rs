//! Who is logged in, kept on the server: a cookie is only a claim.

use async_trait::async_trait;

use crate::ids::StreamerId;
use crate::login::{LoginHash, LoginSession};
use crate::time::Timestamp;

use super::error::StoreError;

/// Keeps login sessions.
///
/// Every adapter promises, and the testkit's contract checks:
/// - a session is found until `expires_at`, and not a moment longer, whoever asks;
/// - after `end` or `end_all` it is dead for every copy of the cookie.
#[async_trait]
pub trait LoginSessions: Send + Sync {
    /// Begins one.
    async fn begin(&self, session: &LoginSession) -> Result<(), StoreError>;

    /// Who it belongs to, if it is alive at `now`.
    async fn find(&self, hash: LoginHash, now: Timestamp) -> Result<Option<StreamerId>, StoreError>;

    /// Ends one.
    async fn end(&self, hash: LoginHash) -> Result<(), StoreError>;

    /// Ends all of one streamer's.
    async fn end_all(&self, streamer: StreamerId) -> Result<(), StoreError>;

    /// Removes what expired before `now`; returns how many.
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;
}
