//! Stands in for `fleet.rs` in a build without the feature `fleet`. PostgreSQL and Redis settings have no value there,
//! so none of these functions can be called.

#![expect(clippy::unused_async, reason = "the signatures of fleet.rs")]

use std::time::Duration;

use chatpulse_domain::ids::InstanceId;
use chatpulse_domain::metrics::Family;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::token_bucket::BucketLimit;

use super::Stores;
use crate::settings::{PgSettings, RedisSettings, Retries};

pub(crate) const POSTGRES_FAMILIES: &[Family] = &[];
pub(crate) const REDIS_FAMILIES: &[Family] = &[];

pub(crate) async fn migrate(pg: &PgSettings) -> anyhow::Result<()> {
    match *pg {}
}

pub(crate) async fn open_records(pg: &PgSettings) -> anyhow::Result<Box<dyn SubscriptionRepository>> {
    match *pg {}
}

pub(super) async fn open(pg: &PgSettings, _: Option<BucketLimit>) -> anyhow::Result<Stores> {
    match *pg {}
}

pub(super) async fn join(
    _: &mut Stores,
    redis: &RedisSettings,
    _: Retries,
    _: Option<BucketLimit>,
    _: &InstanceId,
    _: Duration,
) -> anyhow::Result<()> {
    match *redis {}
}
