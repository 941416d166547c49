//! Read a request body with a size limit and a timeout.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web::Payload};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use crate::error::Problem;

/// Maximum time to receive a body.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// A size limit, in bytes and as text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    bytes: usize,
    words: &'static str,
}

/// The size limit of a webhook request from Twitch.
pub(crate) const WEBHOOK: Limit = Limit { bytes: 64 * 1024, words: "64 KiB" };
/// The size limit of a form.
pub(crate) const FORM: Limit = Limit { bytes: 256 * 1024, words: "256 KiB" };

/// Reads the whole body. Answers 413 if it is too large and 408 if it takes too long.
pub(crate) async fn read(request: &HttpRequest, payload: Payload, limit: Limit) -> Result<Bytes, Problem> {
    let announced =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit.bytes as u64) {
        return Err(Problem::too_large(limit.words));
    }
    timeout(READ_TIMEOUT, collect(payload, limit)).await.map_err(|_| Problem::timed_out())?
}

async fn collect(mut payload: Payload, limit: Limit) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::bad_request("The request broke off."))?;
        if body.len() + chunk.len() > limit.bytes {
            return Err(Problem::too_large(limit.words));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
