//! The overlay for viewers: its page, and the WebSocket that updates it.

mod connect;
mod inbound;
mod request;
mod socket;
mod view;

use actix_web::http::header;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_broadcast::frame::config;
use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::session::SessionSeed;

use crate::error::{Answer, Problem};
use crate::state::Shared;
pub(crate) use connect::connect;
use request::OverlayQuery;
pub(crate) use view::MOVED;
use view::OverlayPage;

pub(crate) async fn page(web: Shared, request: HttpRequest, uuid: Path<String>) -> Answer {
    let Ok(overlay) = parse(&uuid) else { return elsewhere(request, uuid).await };
    let Some(SessionSeed { settings, .. }) = web.ports.engine.sessions.find(overlay).await? else {
        return Err(Problem::overlay_gone());
    };
    let page = view::page(&OverlayPage {
        socket_path: format!("/ws/overlay/{overlay}"),
        left_label: settings.settings.left_label.as_str().to_owned(),
        right_label: settings.settings.right_label.as_str().to_owned(),
        config: config(&settings).to_string(),
        preview: OverlayQuery::of(&request).preview,
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"));
    Ok(response.insert_header(UNCACHED).body(page.into_string()))
}

/// Answers every other path below `/overlay/`: leads to the overlay if its UUID is in there with only white space and
/// slashes around it, as it is easily pasted.
pub(crate) async fn elsewhere(request: HttpRequest, rest: Path<String>) -> Answer {
    let Some(overlay) = request::stripped(&rest) else {
        return Err(if rest.contains('/') || rest.is_empty() { Problem::not_found() } else { not_a_uuid() });
    };
    let mut target = format!("/overlay/{overlay}");
    if !request.query_string().is_empty() {
        target = format!("{target}?{}", request.query_string());
    }
    Ok(HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, target))
        .insert_header(UNCACHED)
        .finish())
}

/// Forbids caching: the URL is a secret, and the content changes with every save.
const UNCACHED: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

fn parse(uuid: &str) -> Result<OverlayId, Problem> {
    uuid.parse().map_err(|_| not_a_uuid())
}

fn not_a_uuid() -> Problem {
    Problem::bad_request("An overlay’s address ends in a UUID; this one does not.")
}
