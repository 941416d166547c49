//! The record of conduit and chat subscriptions in SQLite.

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, ConduitId, SubscriptionId};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::subscriptions::SubscriptionRepository;
use chatpulse_domain::subscription::ChatSubscription;
use rusqlite::{Connection, Row, named_params};

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::operation;
use crate::query;

const SELECT_CONDUIT: &str = include_str!("../queries/conduits/find.sql");
const INSERT_ONE_CONDUIT: &str = include_str!("../queries/conduits/insert.sql");
const UPDATE_CONDUIT: &str = include_str!("../queries/conduits/replace.sql");
const SELECT_ALL: &str = include_str!("../queries/eventsub_subscriptions/all.sql");
const SELECT_ONE: &str = include_str!("../queries/eventsub_subscriptions/find.sql");
const UPSERT: &str = include_str!("../queries/eventsub_subscriptions/upsert.sql");
const DELETE_ONE: &str = include_str!("../queries/eventsub_subscriptions/delete.sql");

/// The conduit and the chat subscriptions that we created at Twitch.
#[derive(Clone)]
pub struct SqliteSubscriptions {
    file: SqliteFile,
}

impl SqliteSubscriptions {
    /// Uses an open file.
    pub fn new(file: SqliteFile) -> Self {
        Self { file }
    }
}

#[async_trait]
impl SubscriptionRepository for SqliteSubscriptions {
    async fn conduit(&self) -> Result<Option<ConduitId>, StoreError> {
        let work = |connection: &mut Connection| {
            query::find(connection, SELECT_CONDUIT, [], |row| query::parsed(row, "id", "conduits.id"))
        };
        self.file.call(operation::SUBSCRIPTIONS_CONDUIT, work).await
    }

    async fn replace_conduit(&self, old: Option<&ConduitId>, new: &ConduitId) -> Result<bool, StoreError> {
        let (old, new) = (old.cloned(), new.clone());
        let query = if old.is_some() {
            operation::SUBSCRIPTIONS_REPLACE_CONDUIT
        } else {
            operation::SUBSCRIPTIONS_INSERT_CONDUIT
        };
        let work = move |connection: &mut Connection| {
            let new = new.as_str();
            let changed = match &old {
                Some(old) => {
                    let params = named_params! { ":old": old.as_str(), ":new": new };
                    query::execute(connection, UPDATE_CONDUIT, params)?
                }
                None => query::execute(connection, INSERT_ONE_CONDUIT, named_params! { ":new": new })?,
            };
            Ok(changed > 0)
        };
        self.file.call(query, work).await
    }

    async fn all(&self) -> Result<Vec<ChatSubscription>, StoreError> {
        let work = |connection: &mut Connection| query::all(connection, SELECT_ALL, [], subscription);
        self.file.call(operation::SUBSCRIPTIONS_ALL, work).await
    }

    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<ChatSubscription>, StoreError> {
        let broadcaster = broadcaster.clone();
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":broadcaster": broadcaster.as_str() };
            query::find(connection, SELECT_ONE, params, subscription)
        };
        self.file.call(operation::SUBSCRIPTIONS_FIND, work).await
    }

    async fn put(&self, subscription: &ChatSubscription) -> Result<(), StoreError> {
        let subscription = subscription.clone();
        let work = move |connection: &mut Connection| {
            let params = named_params! {
                ":broadcaster": subscription.broadcaster.as_str(),
                ":id": subscription.id.as_str(),
                ":reader": subscription.bot.as_str(),
                ":conduit": subscription.conduit.as_str(),
            };
            query::execute(connection, UPSERT, params).map(|_| ())
        };
        self.file.call(operation::SUBSCRIPTIONS_PUT, work).await
    }

    async fn delete(&self, broadcaster: &ChannelId, id: &SubscriptionId) -> Result<(), StoreError> {
        let (broadcaster, id) = (broadcaster.clone(), id.clone());
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":broadcaster": broadcaster.as_str(), ":id": id.as_str() };
            query::execute(connection, DELETE_ONE, params).map(|_| ())
        };
        self.file.call(operation::SUBSCRIPTIONS_DELETE, work).await
    }
}

fn subscription(row: &Row<'_>) -> Result<ChatSubscription, Failure> {
    Ok(ChatSubscription {
        id: query::parsed(row, "id", "eventsub_subscriptions.id")?,
        broadcaster: query::parsed(row, "broadcaster", "eventsub_subscriptions.broadcaster")?,
        bot: query::parsed(row, "reader", "eventsub_subscriptions.reader")?,
        conduit: query::parsed(row, "conduit", "eventsub_subscriptions.conduit")?,
    })
}
