//! Create EventSub Subscription. [`World::subscribe`] makes the checks in Twitch's order.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{belongs_to, cost_max};
use crate::eventsub::subscription::{Status, Subscription, Transport};
use crate::eventsub::webhook::{is_valid_callback, is_valid_secret};
use crate::helix::shards::WantedTransport;
use crate::helix::{Caller, HelixError, body};
use crate::ids::now;
use crate::shared::Shared;
use crate::world::World;

/// Maximum number of subscriptions with the same type and condition, over all transports.
const EQUALS_MAX: usize = 3;
/// Maximum number of WebSocket sessions with subscriptions per user.
const SOCKETS_MAX: usize = 3;

#[derive(Deserialize)]
struct CreateBody {
    r#type: Option<String>,
    version: Option<String>,
    /// Some clients send null for an omitted key.
    #[serde(default)]
    condition: BTreeMap<String, Option<String>>,
    #[serde(default)]
    transport: WantedTransport,
}

#[derive(Serialize)]
struct CreateAnswer<T> {
    data: Vec<T>,
    total: usize,
    total_cost: u32,
    max_total_cost: u32,
}

/// `POST /eventsub/subscriptions`
pub(crate) async fn create(
    caller: Caller,
    bytes: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, HelixError> {
    let wanted = body(&bytes)?;
    let (created, total, total_cost) = shared.change(|world| {
        let created = world.subscribe(wanted, &caller)?;
        let total = world.subscriptions.iter().filter(|found| belongs_to(found, &caller)).count();
        Ok::<_, HelixError>((created, total, world.total_cost(&caller)))
    })?;
    let answer = CreateAnswer {
        data: vec![created.in_answer()],
        total,
        total_cost,
        max_total_cost: cost_max(&caller),
    };
    let answer = HttpResponse::Accepted().json(answer);
    if created.status == Status::WebhookCallbackVerificationPending {
        shared.into_inner().verify_subscription(created);
    }
    Ok(answer)
}

impl World {
    fn subscribe(&mut self, wanted: CreateBody, caller: &Caller) -> Result<Subscription, HelixError> {
        let kind = wanted.r#type.ok_or_else(|| HelixError::missing("type"))?;
        let version = wanted.version.ok_or_else(|| HelixError::missing("version"))?;
        let needs = needs(&kind, &version)
            .ok_or_else(|| HelixError::bad_request("invalid subscription type and version"))?;
        let given = wanted.condition.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let condition: BTreeMap<String, String> = given.collect();
        needs.check_condition(&condition, &caller.client_id)?;
        let (status, transport) = self.transport(wanted.transport, caller, needs)?;
        self.check_grants(needs, &condition, &transport, caller)?;
        self.check_equals(&kind, &condition, &transport, &caller.client_id)?;
        let cost = self.cost(needs, &condition);
        if self.total_cost(caller) + cost > cost_max(caller) {
            return Err(HelixError::new(429, "cost exceeded"));
        }
        if let Some(user) = caller.user() {
            self.bind_session(&transport, user)?;
        }
        let subscription = Subscription {
            id: self.ids.uuid(),
            status,
            kind,
            version,
            condition,
            transport,
            created_at: now(),
            cost,
            client_id: caller.client_id.clone(),
            owner: caller.user().map(str::to_owned),
        };
        self.subscriptions.push(subscription.clone());
        Ok(subscription)
    }

    /// Validates the transport. A WebSocket requires a user token; webhooks and conduits require an app token.
    fn transport(
        &self,
        wanted: WantedTransport,
        caller: &Caller,
        needs: Needs,
    ) -> Result<(Status, Transport), HelixError> {
        let is_socket = wanted.method == "websocket";
        let fits = caller.user().is_some() == is_socket && !(is_socket && needs == Needs::Client);
        let must_fit = || {
            fits.then_some(())
                .ok_or_else(|| HelixError::bad_request("invalid transport and auth combination"))
        };
        match wanted.method.as_str() {
            "conduit" => {
                must_fit()?;
                let conduit_id = wanted.conduit_id.ok_or_else(|| HelixError::missing("conduit_id"))?;
                self.own_conduit(&conduit_id, &caller.client_id)
                    .ok_or_else(|| HelixError::bad_request("conduit not found"))?;
                Ok((Status::Enabled, Transport::Conduit { conduit_id }))
            }
            "webhook" => {
                must_fit()?;
                let callback = wanted.callback.filter(|callback| is_valid_callback(callback));
                let callback =
                    callback.ok_or_else(|| HelixError::bad_request("invalid callback in transport"))?;
                let secret = wanted.secret.filter(|secret| is_valid_secret(secret));
                let secret = secret.ok_or_else(|| HelixError::bad_request("invalid secret in transport"))?;
                Ok((Status::WebhookCallbackVerificationPending, Transport::Webhook { callback, secret }))
            }
            "websocket" => {
                must_fit()?;
                let session_id = wanted.session_id.ok_or_else(|| HelixError::missing("session_id"))?;
                let session = self.sessions.get(&session_id);
                let session = session.ok_or_else(|| {
                    HelixError::bad_request("session does not exist or has already disconnected")
                })?;
                let connected_at = Some(session.connected_at.clone());
                let transport = Transport::Websocket { session_id, connected_at, disconnected_at: None };
                Ok((Status::Enabled, transport))
            }
            _ => Err(HelixError::bad_request("invalid transport method")),
        }
    }

    fn check_grants(
        &self,
        needs: Needs,
        condition: &BTreeMap<String, String>,
        transport: &Transport,
        caller: &Caller,
    ) -> Result<(), HelixError> {
        let of = |key| condition.get(key).map(String::as_str).unwrap_or_default();
        let allowed = match (needs, transport) {
            (Needs::Chat, Transport::Websocket { .. }) => {
                caller.user() == Some(of("user_id")) && caller.has_scope("user:read:chat")
            }
            (Needs::Chat, _) => self.accounts.may_read_chat(of("broadcaster_user_id"), of("user_id")),
            (Needs::Nothing | Needs::Client, _) => true,
        };
        allowed.then_some(()).ok_or_else(|| HelixError::new(403, "subscription missing proper authorization"))
    }

    /// Rejects duplicates. The same subscription twice is a conflict, and a fourth with the same type and condition
    /// exceeds the limit. Disabled ones do not count.
    fn check_equals(
        &self,
        kind: &str,
        condition: &BTreeMap<String, String>,
        transport: &Transport,
        client_id: &str,
    ) -> Result<(), HelixError> {
        let alive = [Status::Enabled, Status::WebhookCallbackVerificationPending];
        let equals: Vec<&Subscription> = self
            .subscriptions
            .iter()
            .filter(|found| alive.contains(&found.status) && found.client_id == client_id)
            .filter(|found| found.kind == kind && found.condition == *condition)
            .collect();
        if let Some(same) = equals.iter().find(|found| found.transport.same_place(transport)) {
            return Err(HelixError::conflict(&same.id));
        }
        if equals.len() >= EQUALS_MAX {
            return Err(HelixError::new(429, "maximum subscriptions with type and condition exceeded"));
        }
        Ok(())
    }

    /// Returns the cost: 0 for chat and for users who granted the application anything, otherwise 1.
    fn cost(&self, needs: Needs, condition: &BTreeMap<String, String>) -> u32 {
        let grants = self.accounts.grants();
        let known = condition.values().any(|user_id| grants.contains_key(user_id));
        u32::from(needs != Needs::Chat && !known)
    }

    /// Binds a session to the user who subscribes first, and limits the sessions of a user.
    fn bind_session(&mut self, transport: &Transport, user: &str) -> Result<(), HelixError> {
        let Some(session_id) = transport.session_id() else {
            return Ok(());
        };
        let mine = self.subscriptions.iter().filter(|found| found.owner.as_deref() == Some(user));
        let busy: BTreeSet<&str> = mine
            .filter(|found| found.status == Status::Enabled)
            .filter_map(|found| found.transport.session_id())
            .collect();
        if busy.len() >= SOCKETS_MAX && !busy.contains(session_id) {
            return Err(HelixError::new(429, "number of websocket transports limit exceeded"));
        }
        let Some(session) = self.sessions.get_mut(session_id) else {
            return Ok(());
        };
        if session.owner.get_or_insert_with(|| user.to_owned()) == user {
            return Ok(());
        }
        Err(HelixError::bad_request(
            "websocket transport cannot have subscriptions created by different users",
        ))
    }
}

/// The authorization that a type requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The grant of the reader, and that of the channel or moderator status there.
    Chat,
    /// No authorization.
    Nothing,
    /// The condition must contain the caller's client id.
    Client,
}

/// Returns what a type of this version requires; `None` for an unknown type.
pub(crate) fn needs(kind: &str, version: &str) -> Option<Needs> {
    let needs = match kind {
        "channel.chat.message"
        | "channel.chat.message_delete"
        | "channel.chat.clear_user_messages"
        | "channel.chat.clear"
        | "channel.chat.notification" => Needs::Chat,
        "stream.online"
        | "stream.offline"
        | "channel.shared_chat.begin"
        | "channel.shared_chat.update"
        | "channel.shared_chat.end" => Needs::Nothing,
        "user.authorization.grant" | "user.authorization.revoke" | "conduit.shard.disabled" => Needs::Client,
        _ => return None,
    };
    (version == "1").then_some(needs)
}

impl Needs {
    pub(crate) fn check_condition(
        self,
        condition: &BTreeMap<String, String>,
        client_id: &str,
    ) -> Result<(), HelixError> {
        let keys: &[&str] = match self {
            Self::Chat => &["broadcaster_user_id", "user_id"],
            Self::Nothing => &["broadcaster_user_id"],
            Self::Client => &["client_id"],
        };
        if let Some(missing) = keys.iter().find(|key| condition.get(**key).is_none_or(String::is_empty)) {
            return Err(HelixError::missing(missing));
        }
        if self == Self::Client && condition.get("client_id").is_none_or(|id| id != client_id) {
            return Err(HelixError::new(403, "subscription missing proper authorization"));
        }
        Ok(())
    }
}
