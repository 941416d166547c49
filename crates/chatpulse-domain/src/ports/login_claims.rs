//! Who claimed the server and the names of the operator's list.

use async_trait::async_trait;

use crate::access::{Claim, Fingerprint};

use super::error::StoreError;

/// Stores claims durably.
///
/// Every adapter promises, and the testkit's contract checks:
/// - of several accounts that claim the same thing the first one gets it, and keeps it whoever claims it later;
/// - a claim outlives the deletion of the account.
#[async_trait]
pub trait LoginClaims: Send + Sync {
    /// Gives `on` to `user` unless somebody holds it. Returns who holds it now.
    async fn claim(&self, on: Fingerprint, user: Fingerprint) -> Result<Fingerprint, StoreError>;

    /// Lists every claim: at most one on the server and one per name that was ever listed.
    async fn all(&self) -> Result<Vec<Claim>, StoreError>;
}
