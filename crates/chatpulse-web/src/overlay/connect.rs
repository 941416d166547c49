//! Accept an overlay's WebSocket. Every check comes before the upgrade, and no session is opened without an owner, so
//! a crawler's plain GET opens none.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::CloseCode;
use chatpulse_broadcast::handle::WatchError;
use chatpulse_domain::overlay::SettingsVersion;
use chatpulse_engine::sessions::OpenError;

use super::socket::{FRAME_BYTES_MAX, OverlaySocket, closing, refuse};
use super::{OverlayQuery, inbound, parse};
use crate::error::{Answer, Problem};
use crate::guard::limits::{Bucket, NoPlace};
use crate::guard::origin::client_ip;
use crate::state::{Shared, Web};

pub(crate) async fn connect(
    web: Shared,
    request: HttpRequest,
    payload: Payload,
    uuid: Path<String>,
    query: Query<OverlayQuery>,
) -> Answer {
    let ip = client_ip(request.peer_addr(), request.headers(), &web.config.trusted_proxies);
    web.limits.take(Bucket::Overlays, ip).map_err(|wait| {
        turned_away("rate_limit");
        Problem::too_many_requests(wait)
    })?;
    if web.stop.is_cancelled() {
        turned_away("unavailable");
        return Err(stopping());
    }
    let overlay = parse(&uuid).inspect_err(|_| turned_away("invalid_id"))?;
    let found = web.ports.engine.sessions.find(overlay).await.inspect_err(|_| turned_away("unavailable"))?;
    let Some(seed) = found else {
        turned_away("unknown_overlay");
        return Err(Problem::not_found());
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
    let not_websocket = |_| {
        turned_away("not_websocket");
        Problem::bad_request("This address is for an overlay’s WebSocket; a browser opens it by itself.")
    };
    let payload = inbound::bounded(&request, payload).await.map_err(not_websocket)?;
    let (response, session, stream) = actix_ws::handle(&request, payload).map_err(not_websocket)?;

    // After the upgrade, errors are reported by a close code.
    let open = match web.ports.engine.sessions.open(seed.clone(), query.watcher()).await {
        Ok(open) => open,
        Err(OpenError::Rotated) => return Ok(turn_away(&web, response, session, closing::ROTATED)),
        Err(OpenError::Full) => return Ok(turn_away(&web, response, session, closing::SESSION_FULL)),
        Err(OpenError::Stopping) => return Ok(turn_away(&web, response, session, closing::STOPPING)),
    };
    let watching = match web.ports.hub.watch(seed).await {
        Ok(watching) => watching,
        Err(WatchError::Rotated) => return Ok(turn_away(&web, response, session, closing::ROTATED)),
        Err(WatchError::Full) => return Ok(turn_away(&web, response, session, closing::SESSION_FULL)),
        Err(WatchError::Stopped) => return Ok(turn_away(&web, response, session, closing::STOPPING)),
    };
    metrics::counter!("websocket_connections_total", "result" => "accepted").increment(1);
    let version = query.v.as_deref().and_then(|version| version.parse().ok()).map(SettingsVersion);
    let stream = stream.max_frame_size(FRAME_BYTES_MAX);
    let socket = OverlaySocket {
        session,
        stream,
        watching,
        version,
        stop: web.stop.clone(),
        _open: open,
        _place: place,
    };
    actix_web::rt::spawn(web.sockets.track_future(socket.run()));
    Ok(response)
}

/// Completes the upgrade and closes the socket with a code that the page handles.
fn turn_away(
    web: &Web,
    response: HttpResponse,
    session: actix_ws::Session,
    why: (CloseCode, &'static str),
) -> HttpResponse {
    turned_away(if why == closing::SESSION_FULL { "session_limit" } else { "unavailable" });
    actix_web::rt::spawn(web.sockets.track_future(refuse(session, why)));
    response
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
