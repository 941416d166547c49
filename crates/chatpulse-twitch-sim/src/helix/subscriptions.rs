//! Subscriptions: list and delete. [`create`] has the rules of each type.

pub(crate) mod create;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::eventsub::subscription::{Status, Subscription, Transport};
use crate::helix::{Caller, HelixError, Pagination, page};
use crate::shared::Shared;
use crate::world::World;

/// Maximum total cost of the enabled subscriptions of an app token, and of a user token.
const COST_MAX: (u32, u32) = (10_000, 10);

/// Filters of the list. At most one may be set, besides `after`.
#[derive(Deserialize)]
pub(crate) struct ListQuery {
    status: Option<String>,
    r#type: Option<String>,
    user_id: Option<String>,
    subscription_id: Option<String>,
    conduit_id: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct ListAnswer<T> {
    total: usize,
    data: Vec<T>,
    total_cost: u32,
    max_total_cost: u32,
    pagination: Pagination,
}

#[derive(Deserialize)]
pub(crate) struct DeleteQuery {
    id: Option<String>,
}

/// `GET /eventsub/subscriptions`, oldest first. Disabled ones stay listed until they are deleted.
pub(crate) async fn list(
    caller: Caller,
    query: web::Query<ListQuery>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, HelixError> {
    let filters = [&query.status, &query.r#type, &query.user_id, &query.subscription_id, &query.conduit_id];
    if filters.iter().filter(|filter| filter.is_some()).count() > 1 {
        return Err(HelixError::bad_request("The request may specify only one filter query parameter"));
    }
    let (found, total_cost) = shared.read(|world| {
        let visible = world.subscriptions.iter().filter(|found| belongs_to(found, &caller));
        let found: Vec<Subscription> = visible.filter(|found| query.picks(found)).cloned().collect();
        (found, world.total_cost(&caller))
    });
    let total = found.len();
    let (found, pagination) = page(found, query.after.as_deref(), shared.config.limits.page_size)?;
    let data = found.iter().map(Subscription::in_answer).collect();
    let max_total_cost = cost_max(&caller);
    Ok(HttpResponse::Ok().json(ListAnswer { total, data, total_cost, max_total_cost, pagination }))
}

/// `DELETE /eventsub/subscriptions`
pub(crate) async fn delete(
    caller: Caller,
    query: web::Query<DeleteQuery>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, HelixError> {
    let id = query.into_inner().id.ok_or_else(|| HelixError::missing("id"))?;
    let deleted = shared.change(|world| {
        let is_it = |found: &Subscription| found.id == id && belongs_to(found, &caller);
        let index = world.subscriptions.iter().position(is_it)?;
        Some(world.subscriptions.remove(index))
    });
    deleted.ok_or_else(|| HelixError::new(404, "subscription not found"))?;
    Ok(HttpResponse::NoContent().finish())
}

impl ListQuery {
    fn picks(&self, subscription: &Subscription) -> bool {
        let has_status = |status: &String| {
            serde_json::to_value(subscription.status).is_ok_and(|found| found == status.as_str())
        };
        let is_of = |user_id: &String| {
            let of_user = |(key, value): (&String, &String)| key.ends_with("user_id") && value == user_id;
            subscription.condition.iter().any(of_user)
        };
        let is_in = |conduit_id: &String| match &subscription.transport {
            Transport::Conduit { conduit_id: found } => found == conduit_id,
            _ => false,
        };
        self.status.as_ref().is_none_or(has_status)
            && self.r#type.as_ref().is_none_or(|kind| *kind == subscription.kind)
            && self.user_id.as_ref().is_none_or(is_of)
            && self.subscription_id.as_ref().is_none_or(|id| *id == subscription.id)
            && self.conduit_id.as_ref().is_none_or(is_in)
    }
}

impl World {
    /// Returns the total cost of the caller's enabled subscriptions.
    fn total_cost(&self, caller: &Caller) -> u32 {
        self.subscriptions
            .iter()
            .filter(|found| found.status == Status::Enabled && belongs_to(found, caller))
            .map(|found| found.cost)
            .sum()
    }
}

/// Returns whether the caller may see the subscription. An app token sees webhooks and conduits; a user token sees that
/// user's WebSocket subscriptions.
fn belongs_to(subscription: &Subscription, caller: &Caller) -> bool {
    subscription.client_id == caller.client_id && subscription.owner.as_deref() == caller.user()
}

fn cost_max(caller: &Caller) -> u32 {
    if caller.user().is_some() { COST_MAX.1 } else { COST_MAX.0 }
}
