//! The overlay for viewers: its page, and the WebSocket that updates it.

mod connect;
mod inbound;
mod socket;
mod view;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, HttpResponseBuilder};
use chatpulse_broadcast::frame::config;
use chatpulse_domain::ids::OverlayId;
use chatpulse_domain::session::SessionSeed;
use chatpulse_engine::sessions::Watcher;
use serde::Deserialize;

use crate::error::{Answer, Problem};
use crate::state::Shared;
pub(crate) use connect::connect;
use view::OverlayPage;

/// The query of an overlay URL.
#[derive(Debug, Deserialize)]
pub(crate) struct OverlayQuery {
    /// `1` for the preview inside the dashboard.
    #[serde(default)]
    preview: Option<String>,
    /// The version of the settings that the page was rendered from.
    #[serde(default)]
    v: Option<String>,
}

impl OverlayQuery {
    fn watcher(&self) -> Watcher {
        if self.preview.as_deref() == Some("1") { Watcher::Preview } else { Watcher::Viewer }
    }
}

pub(crate) async fn page(web: Shared, uuid: Path<String>, query: Query<OverlayQuery>) -> Answer {
    let overlay = parse(&uuid)?;
    let Some(SessionSeed { settings, .. }) = web.ports.engine.sessions.find(overlay).await? else {
        return Ok(uncached(StatusCode::NOT_FOUND).body(view::overlay_missing().into_string()));
    };
    let page = view::page(&OverlayPage {
        socket_path: format!("/ws/overlay/{overlay}"),
        left_label: settings.settings.left_label.as_str().to_owned(),
        right_label: settings.settings.right_label.as_str().to_owned(),
        config: config(&settings).to_string(),
        preview: query.watcher() == Watcher::Preview,
    });
    Ok(uncached(StatusCode::OK).body(page.into_string()))
}

/// Forbids caching: the URL is a secret, and the content changes with every save.
fn uncached(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

fn parse(uuid: &str) -> Result<OverlayId, Problem> {
    uuid.parse().map_err(|_| Problem::bad_request("An overlay’s address ends in a UUID; this one does not."))
}
