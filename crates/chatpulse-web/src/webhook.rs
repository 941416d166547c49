//! Twitch's webhook: read headers and body, let the gate decide, answer immediately.

use actix_web::http::{StatusCode, header};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use chatpulse_domain::ports::webhook_gate::{RawDelivery, Refused, Webhook};
use tracing::debug;

use crate::error::{Answer, Problem};
use crate::guard::body;
use crate::state::Shared;

pub(crate) async fn receive(web: Shared, request: HttpRequest, payload: Payload) -> Answer {
    let Some(gate) = &web.ports.webhook else {
        return Err(Problem::not_found());
    };
    let body = body::read(&request, payload, body::WEBHOOK).await?;
    let header = |name: &str| request.headers().get(name).map(header::HeaderValue::as_bytes);
    let delivery = RawDelivery {
        message_id: header("twitch-eventsub-message-id"),
        timestamp: header("twitch-eventsub-message-timestamp"),
        signature: header("twitch-eventsub-message-signature"),
        message_type: header("twitch-eventsub-message-type"),
        subscription_type: header("twitch-eventsub-subscription-type"),
        body: &body,
    };
    match gate.open(&delivery) {
        Ok(Webhook::Challenge(text)) => {
            Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/plain")).body(text))
        }
        Ok(Webhook::Chat(chat)) => {
            web.ports.sink.receive(chat).await;
            Ok(HttpResponse::NoContent().finish())
        }
        Ok(Webhook::Handled) => Ok(HttpResponse::NoContent().finish()),
        Err(refused) => {
            debug!(%refused, "a webhook request was refused");
            Err(problem(refused))
        }
    }
}

fn problem(refused: Refused) -> Problem {
    let why = format!("{refused}.");
    match refused {
        Refused::Header(_) => Problem::bad_request(why),
        Refused::Signature => Problem::new(
            StatusCode::FORBIDDEN,
            "Not from Twitch",
            why,
            "Sign with the secret that both sides know.",
        ),
    }
}
