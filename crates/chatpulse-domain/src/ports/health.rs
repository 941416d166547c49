//! Health checks of the services that ChatPulse depends on.

use async_trait::async_trait;

use super::error::StoreError;

/// One dependency that readiness reports.
#[async_trait]
pub trait HealthCheck: Send + Sync {
    /// Its name in `/health/ready`: `sqlite`, `postgres`, `redis`, …
    fn name(&self) -> &'static str;

    /// Sends it a small request.
    ///
    /// # Errors
    /// When it gave no usable answer.
    async fn check(&self) -> Result<(), StoreError>;
}
