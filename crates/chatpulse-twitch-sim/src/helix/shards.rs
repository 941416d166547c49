//! Shards of a conduit: list and assign.
//!
//! Assigning answers 202 even if some shards were rejected; the errors are in the body.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::eventsub::conduit::Shard;
use crate::eventsub::subscription::{Status, Transport};
use crate::eventsub::webhook::{is_valid_callback, is_valid_secret};
use crate::helix::{Caller, HelixError, Pagination, body, page};
use crate::shared::Shared;
use crate::world::World;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    conduit_id: Option<String>,
    status: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct ListAnswer<T> {
    data: Vec<T>,
    pagination: Pagination,
}

#[derive(Deserialize)]
struct UpdateBody {
    conduit_id: Option<String>,
    #[serde(default)]
    shards: Vec<WantedShard>,
}

#[derive(Deserialize)]
struct WantedShard {
    id: Option<String>,
    #[serde(default)]
    transport: WantedTransport,
}

/// A transport in a request, not yet validated.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WantedTransport {
    pub(crate) method: String,
    pub(crate) callback: Option<String>,
    pub(crate) secret: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) conduit_id: Option<String>,
}

#[derive(Serialize)]
struct UpdateAnswer<T> {
    data: Vec<T>,
    errors: Vec<ShardRefused>,
}

#[derive(Serialize)]
struct ShardRefused {
    id: String,
    message: &'static str,
    code: &'static str,
}

/// `GET /eventsub/conduits/shards`: lists the shards that ever had a transport.
pub(crate) async fn list(
    caller: Caller,
    query: web::Query<ListQuery>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, HelixError> {
    caller.must_be_app()?;
    let conduit_id = query.conduit_id.as_deref().ok_or_else(|| HelixError::missing("conduit_id"))?;
    let shards = shared.read(|world| {
        let conduit = world.own_conduit(conduit_id, &caller.client_id)?;
        Some([conduit.shards.clone(), conduit.dropped.clone()].concat())
    });
    let mut shards = shards.ok_or_else(not_found)?;
    shards.retain(|shard| shard.transport.is_some());
    if let Some(status) = &query.status {
        shards.retain(|shard| serde_json::to_value(shard.status).is_ok_and(|found| found == status.as_str()));
    }
    let (shards, pagination) = page(shards, query.after.as_deref(), shared.config.limits.page_size)?;
    let data = shards.iter().map(Shard::in_answer).collect();
    Ok(HttpResponse::Ok().json(ListAnswer { data, pagination }))
}

/// `PATCH /eventsub/conduits/shards`. A WebSocket is enabled at once, a webhook after its challenge.
pub(crate) async fn update(
    caller: Caller,
    bytes: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, HelixError> {
    caller.must_be_app()?;
    let UpdateBody { conduit_id, shards: wanted } = body(&bytes)?;
    let conduit_id = conduit_id.ok_or_else(|| HelixError::missing("conduit_id"))?;
    if shared.read(|world| world.own_conduit(&conduit_id, &caller.client_id).is_none()) {
        return Err(not_found());
    }
    if wanted.iter().any(|shard| shard.id.is_none()) {
        return Err(HelixError::missing(""));
    }
    let mut updated = Vec::new();
    let mut errors = Vec::new();
    for shard in wanted {
        let id = shard.id.unwrap_or_default();
        match shared.change(|world| world.assign(&conduit_id, &id, shard.transport)) {
            Ok(assigned) => updated.push(assigned),
            Err(message) => errors.push(ShardRefused { id, message, code: "invalid_parameter" }),
        }
    }
    let shared = shared.into_inner();
    for shard in &updated {
        if let Some(webhook @ Transport::Webhook { .. }) = &shard.transport {
            shared.verify_shard(&conduit_id, shard.id, webhook.clone());
        }
    }
    let data = updated.iter().map(Shard::in_answer).collect();
    Ok(HttpResponse::Accepted().json(UpdateAnswer { data, errors }))
}

impl World {
    fn assign(
        &mut self,
        conduit_id: &str,
        shard_id: &str,
        wanted: WantedTransport,
    ) -> Result<Shard, &'static str> {
        const OUTSIDE: &str = "The shard id is outside the conduit's range";
        let (status, transport) = self.shard_transport(wanted)?;
        let index: usize = shard_id.parse().map_err(|_| OUTSIDE)?;
        let shards = self.conduit_mut(conduit_id).map(|conduit| &mut conduit.shards);
        let shard = shards.and_then(|shards| shards.get_mut(index)).ok_or(OUTSIDE)?;
        shard.status = status;
        shard.transport = Some(transport);
        Ok(shard.clone())
    }

    fn shard_transport(&self, wanted: WantedTransport) -> Result<(Status, Transport), &'static str> {
        match wanted.method.as_str() {
            "webhook" => {
                let callback = wanted.callback.ok_or("The callback is required for the webhook method")?;
                if !is_valid_callback(&callback) {
                    return Err("The callback URL is invalid");
                }
                let secret = wanted.secret.filter(|secret| is_valid_secret(secret));
                let secret = secret.ok_or("The secret must be from 10 to 100 ASCII characters")?;
                Ok((Status::WebhookCallbackVerificationPending, Transport::Webhook { callback, secret }))
            }
            "websocket" => {
                let session_id =
                    wanted.session_id.ok_or("The session_id is required for the websocket method")?;
                let session = self.sessions.get(&session_id);
                let session = session.ok_or("The websocket session is not connected")?;
                let connected_at = Some(session.connected_at.clone());
                let transport = Transport::Websocket { session_id, connected_at, disconnected_at: None };
                Ok((Status::Enabled, transport))
            }
            _ => Err("The transport method is invalid"),
        }
    }
}

fn not_found() -> HelixError {
    HelixError::new(404, "not found")
}
