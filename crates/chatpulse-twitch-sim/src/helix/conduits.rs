//! Conduits: list, create, resize, delete.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::eventsub::conduit::Conduit;
use crate::eventsub::subscription::{Status, Transport};
use crate::helix::{Caller, Data, HelixError, body};
use crate::shared::Shared;
use crate::world::World;

/// Maximum number of conduits of one application.
const CONDUITS_MAX: usize = 5;
const SHARDS_MAX: usize = 20_000;

#[derive(Serialize)]
struct ConduitAnswer {
    id: String,
    shard_count: usize,
}

#[derive(Deserialize)]
struct CreateBody {
    shard_count: Option<i64>,
}

#[derive(Deserialize)]
struct UpdateBody {
    id: Option<String>,
    shard_count: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct DeleteQuery {
    id: Option<String>,
}

/// `GET /eventsub/conduits`
pub(crate) async fn list(caller: Caller, shared: web::Data<Shared>) -> Result<HttpResponse, HelixError> {
    caller.must_be_app()?;
    let data = shared.read(|world| world.conduits_of(&caller.client_id).map(answer).collect());
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// `POST /eventsub/conduits`, which answers 200 like a read.
pub(crate) async fn create(
    caller: Caller,
    bytes: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, HelixError> {
    caller.must_be_app()?;
    let CreateBody { shard_count } = body(&bytes)?;
    let shard_count = valid_count(shard_count)?;
    let created = shared.change(|world| {
        if world.conduits_of(&caller.client_id).count() >= CONDUITS_MAX {
            return Err(HelixError::new(429, "Conduit limit reached"));
        }
        let conduit = Conduit::new(world.ids.uuid(), caller.client_id.clone(), shard_count);
        let created = answer(&conduit);
        world.conduits.push(conduit);
        Ok(created)
    });
    Ok(HttpResponse::Ok().json(Data { data: vec![created?] }))
}

/// `PATCH /eventsub/conduits`: adds shards, or removes those with the highest ids.
pub(crate) async fn update(
    caller: Caller,
    bytes: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, HelixError> {
    caller.must_be_app()?;
    let UpdateBody { id, shard_count } = body(&bytes)?;
    let id = id.ok_or_else(|| HelixError::missing("id"))?;
    let shard_count = valid_count(shard_count)?;
    let updated = shared.change(|world| {
        let conduit = world.conduit_mut(&id).filter(|conduit| conduit.client_id == caller.client_id)?;
        conduit.resize(shard_count, shared.config.limits.dropped_shards_stay);
        Some(answer(conduit))
    });
    let updated = updated.ok_or_else(not_found)?;
    Ok(HttpResponse::Ok().json(Data { data: vec![updated] }))
}

/// `DELETE /eventsub/conduits`. Its enabled subscriptions stay listed with the status of a deleted conduit.
pub(crate) async fn delete(
    caller: Caller,
    query: web::Query<DeleteQuery>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, HelixError> {
    caller.must_be_app()?;
    let id = query.into_inner().id.ok_or_else(|| HelixError::missing("id"))?;
    shared.change(|world| {
        world.own_conduit(&id, &caller.client_id).ok_or_else(not_found)?;
        world.delete_conduit(&id);
        Ok::<_, HelixError>(())
    })?;
    Ok(HttpResponse::NoContent().finish())
}

impl World {
    /// Deletes a conduit. Its enabled subscriptions stay listed with the status of a deleted conduit.
    pub(crate) fn delete_conduit(&mut self, id: &str) {
        self.conduits.retain(|conduit| conduit.id != id);
        let gone = Transport::Conduit { conduit_id: id.to_owned() };
        for subscription in &mut self.subscriptions {
            if subscription.transport == gone && subscription.status == Status::Enabled {
                subscription.status = Status::ConduitDeleted;
            }
        }
    }
}

fn answer(conduit: &Conduit) -> ConduitAnswer {
    ConduitAnswer { id: conduit.id.clone(), shard_count: conduit.shards.len() }
}

fn valid_count(shard_count: Option<i64>) -> Result<usize, HelixError> {
    let count = shard_count.and_then(|count| usize::try_from(count).ok());
    let valid = count.filter(|count| (1..=SHARDS_MAX).contains(count));
    valid.ok_or_else(|| HelixError::bad_request("Invalid shard count"))
}

fn not_found() -> HelixError {
    HelixError::new(404, "Conduit not found")
}
