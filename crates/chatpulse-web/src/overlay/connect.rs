//! Accept an overlay's WebSocket. Every check comes before the upgrade, and no session is opened without an owner, so
//! a crawler's plain GET opens none.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::CloseCode;
use chatpulse_broadcast::handle::{WatchError, Watching};
use chatpulse_domain::session::SessionSeed;
use chatpulse_engine::sessions::{OpenError, OpenOverlay, Watcher};

use super::request::OverlayQuery;
use super::socket::{FRAME_BYTES_MAX, OverlaySocket, closing, refuse};
use super::{inbound, parse};
use crate::error::{Answer, Problem};
use crate::guard::limits::{Bucket, NoPlace, Place};
use crate::guard::origin::{client_ip, peer_ip};
use crate::state::{Shared, Web};

pub(crate) async fn connect(
    web: Shared,
    request: HttpRequest,
    payload: Payload,
    uuid: Path<String>,
) -> Answer {
    let (seed, place) = admit(&web, &request, &uuid).await?;
    let not_websocket = |_| not_websocket(&web, &request);
    let payload = inbound::bounded(&request, payload).await.map_err(not_websocket)?;
    let (response, session, stream) = actix_ws::handle(&request, payload).map_err(not_websocket)?;

    web.proxies.saw_accepted_handshake(peer_ip(request.peer_addr()));
    // After the upgrade, errors are reported by a close code.
    let query = OverlayQuery::of(&request);
    let (open, watching) = match open(&web, seed, query.watcher()).await {
        Ok(opened) => opened,
        Err(why) => return Ok(turn_away(&web, response, session, why)),
    };
    metrics::counter!("websocket_connections_total", "result" => "accepted").increment(1);
    let stream = stream.max_frame_size(FRAME_BYTES_MAX);
    let socket = OverlaySocket {
        session,
        stream,
        watching,
        version: query.version,
        stop: web.stop.clone(),
        _open: open,
        _place: place,
    };
    actix_web::rt::spawn(web.sockets.track_future(socket.run()));
    Ok(response)
}

/// Checks everything that can be said by a status, and counts what it refuses. Returns the session and a place among
/// the open sockets.
async fn admit(web: &Web, request: &HttpRequest, uuid: &str) -> Result<(SessionSeed, Place), Problem> {
    let ip = client_ip(request.peer_addr(), request.headers(), &web.config.trusted_proxies);
    web.limits.take(Bucket::Overlays, ip).map_err(|wait| {
        turned_away("rate_limit");
        Problem::too_many_requests(wait)
    })?;
    if web.stop.is_cancelled() {
        turned_away("unavailable");
        return Err(stopping());
    }
    let overlay = parse(uuid).inspect_err(|_| turned_away("invalid_id"))?;
    let found = web.ports.engine.sessions.find(overlay).await.inspect_err(|_| turned_away("unavailable"))?;
    let Some(seed) = found else {
        turned_away("unknown_overlay");
        return Err(Problem::overlay_gone());
    };
    let place = web.connections.enter(ip).map_err(|no_place| match no_place {
        NoPlace::Instance => {
            turned_away("global_limit");
            full()
        }
        NoPlace::Address => {
            turned_away("ip_limit");
            Problem::too_many_requests(Duration::from_secs(5))
        }
    })?;
    Ok((seed, place))
}

/// Opens the session and subscribes to its frames. `Err` is the close code.
async fn open(web: &Web, seed: SessionSeed, watcher: Watcher) -> Result<(OpenOverlay, Watching), Close> {
    let opened = web.ports.engine.sessions.open(seed.clone(), watcher).await;
    let open = opened.map_err(|error| match error {
        OpenError::Rotated => closing::ROTATED,
        OpenError::Full => closing::SESSION_FULL,
        OpenError::Stopping => closing::STOPPING,
    })?;
    let watching = web.ports.hub.watch(seed).await.map_err(|error| match error {
        WatchError::Rotated => closing::ROTATED,
        WatchError::Full => closing::SESSION_FULL,
        WatchError::Stopped => closing::STOPPING,
    })?;
    Ok((open, watching))
}

/// A close code and its reason.
type Close = (CloseCode, &'static str);

/// Completes the upgrade and closes the socket with a code that the page handles.
fn turn_away(web: &Web, response: HttpResponse, session: actix_ws::Session, why: Close) -> HttpResponse {
    turned_away(if why == closing::SESSION_FULL { "session_limit" } else { "unavailable" });
    actix_web::rt::spawn(web.sockets.track_future(refuse(session, why)));
    response
}

/// The request is no handshake, or a proxy has dropped `Upgrade`.
fn not_websocket(web: &Web, request: &HttpRequest) -> Problem {
    turned_away("not_websocket");
    web.proxies.saw_refused_handshake(peer_ip(request.peer_addr()), request.headers());
    Problem::bad_request("This address is for an overlay’s WebSocket; a browser opens it by itself.")
}

fn turned_away(reason: &'static str) {
    metrics::counter!("websocket_connections_total", "result" => "rejected").increment(1);
    metrics::counter!("websocket_connections_rejected_total", "reason" => reason).increment(1);
}

fn stopping() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "This server is restarting",
        "It takes no new overlays any more.",
        "It is tried again by itself.",
    )
    .retry_after(Duration::from_secs(5))
}

fn full() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "This server is full",
        "As many overlays are connected as it takes.",
        "It is tried again by itself.",
    )
    .retry_after(Duration::from_secs(5))
}
