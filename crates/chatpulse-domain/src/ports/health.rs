//! Whether what we stand on answers.

use async_trait::async_trait;

use super::error::StoreError;

/// One thing that readiness depends on.
#[async_trait]
pub trait HealthCheck: Send + Sync {
    /// Its name in `/health/ready`: `sqlite`, `postgres`, `redis`, …
    fn name(&self) -> &'static str;

    /// Asks it for a sign of life.
    async fn check(&self) -> Result<(), StoreError>;
}
