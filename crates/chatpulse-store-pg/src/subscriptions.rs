//! The record of conduit and chat subscriptions in PostgreSQL.

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, ConduitId, SubscriptionId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::subscription::ChatSubscription;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::operation;
use crate::pool::PgPool;
use crate::query::{Query, parsed};

const CONDUIT: Query =
    Query::reading(operation::SUBSCRIPTIONS_CONDUIT, include_str!("../queries/conduits/find.sql"));
const INSERT_CONDUIT: Query =
    Query::writing(operation::SUBSCRIPTIONS_INSERT_CONDUIT, include_str!("../queries/conduits/insert.sql"));
const REPLACE_CONDUIT: Query =
    Query::writing(operation::SUBSCRIPTIONS_REPLACE_CONDUIT, include_str!("../queries/conduits/replace.sql"));
const ALL: Query =
    Query::reading(operation::SUBSCRIPTIONS_ALL, include_str!("../queries/eventsub_subscriptions/all.sql"));
const FIND: Query =
    Query::reading(operation::SUBSCRIPTIONS_FIND, include_str!("../queries/eventsub_subscriptions/find.sql"));
const PUT: Query = Query::writing(
    operation::SUBSCRIPTIONS_PUT,
    include_str!("../queries/eventsub_subscriptions/upsert.sql"),
);
const DELETE: Query = Query::writing(
    operation::SUBSCRIPTIONS_DELETE,
    include_str!("../queries/eventsub_subscriptions/delete.sql"),
);

/// The conduit and the chat subscriptions that we created at Twitch.
#[derive(Clone)]
pub struct PgSubscriptions {
    pool: PgPool,
}

impl PgSubscriptions {
    /// Uses an open pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl SubscriptionRepository for PgSubscriptions {
    async fn conduit(&self) -> Result<Option<ConduitId>, StoreError> {
        self.pool.find(&CONDUIT, &[], |row| parsed(row, "conduits.id")).await
    }

    async fn replace_conduit(&self, old: Option<&ConduitId>, new: &ConduitId) -> Result<bool, StoreError> {
        let changed = match old {
            Some(old) => self.pool.execute(&REPLACE_CONDUIT, &[&old.as_str(), &new.as_str()]).await?,
            None => self.pool.execute(&INSERT_CONDUIT, &[&new.as_str()]).await?,
        };
        Ok(changed > 0)
    }

    async fn all(&self) -> Result<Vec<ChatSubscription>, StoreError> {
        self.pool.all(&ALL, &[], subscription).await
    }

    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<ChatSubscription>, StoreError> {
        self.pool.find(&FIND, &[&broadcaster.as_str()], subscription).await
    }

    async fn put(&self, subscription: &ChatSubscription) -> Result<(), StoreError> {
        let ChatSubscription { id, broadcaster, bot, conduit } = subscription;
        let (broadcaster, id, bot, conduit) =
            (broadcaster.as_str(), id.as_str(), bot.as_str(), conduit.as_str());
        self.pool.execute(&PUT, &[&broadcaster, &id, &bot, &conduit]).await.map(|_| ())
    }

    async fn delete(&self, broadcaster: &ChannelId, id: &SubscriptionId) -> Result<(), StoreError> {
        self.pool.execute(&DELETE, &[&broadcaster.as_str(), &id.as_str()]).await.map(|_| ())
    }
}

fn subscription(row: &Row) -> Result<ChatSubscription, Failure> {
    Ok(ChatSubscription {
        id: parsed(row, "eventsub_subscriptions.id")?,
        broadcaster: parsed(row, "eventsub_subscriptions.broadcaster")?,
        bot: parsed(row, "eventsub_subscriptions.reader")?,
        conduit: parsed(row, "eventsub_subscriptions.conduit")?,
    })
}
