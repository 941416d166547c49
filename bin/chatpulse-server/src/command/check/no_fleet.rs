//! Stands in for `fleet.rs` in a build without the feature `fleet`. PostgreSQL and Redis settings have no value there,
//! so none of these functions can be called.

#![expect(clippy::unused_async, reason = "the signatures of fleet.rs")]

use super::database::Accounts;
use super::report::Report;
use crate::settings::{PgSettings, RedisSettings};

pub(super) async fn check_postgres(pg: &PgSettings, _: &mut Report) -> anyhow::Result<Option<Accounts>> {
    match *pg {}
}

pub(super) async fn check_redis(redis: &RedisSettings, _: &mut Report) -> anyhow::Result<()> {
    match *redis {}
}
