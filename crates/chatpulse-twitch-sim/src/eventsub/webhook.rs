//! Webhooks: signed POST requests, retried until they are accepted or the attempts are used up.
//!
//! Unlike Twitch, it posts only to this machine, also over plain HTTP. Every other address fails as if nothing
//! answered, so that no test can reach the internet.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ring::hmac;
use tracing::debug;
use url::{Host, Url};

use crate::config::Limits;
use crate::eventsub::message::MessageType;
use crate::faults::WebhookFailure;
use crate::shared::Shared;

/// One message for a webhook. Retries keep everything but `retry`.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) callback: String,
    pub(crate) secret: String,
    pub(crate) message_id: String,
    pub(crate) message_type: MessageType,
    pub(crate) timestamp: String,
    /// Type and version of the subscription. The challenge of a shard has none.
    pub(crate) about: Option<(String, String)>,
    pub(crate) body: String,
    pub(crate) retry: u32,
}

/// The response of a callback.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

/// Computes the `Twitch-Eventsub-Message-Signature` of a webhook message.
pub fn signature(secret: &str, message_id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
    context.update(message_id.as_bytes());
    context.update(timestamp.as_bytes());
    context.update(body);
    let hex = |text: String, byte: &u8| text + &format!("{byte:02x}");
    context.sign().as_ref().iter().fold("sha256=".to_owned(), hex)
}

/// Builds the client for webhooks. It trusts no certificate authority, because every host that it reaches is on this
/// machine.
pub(crate) fn client(limits: &Limits) -> io::Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(limits.webhook_timeout)
        .build()
        .map_err(io::Error::other)
}

/// Returns whether a callback may be registered: HTTPS on port 443 as at Twitch, or any URL on this machine.
pub(crate) fn is_valid_callback(callback: &str) -> bool {
    let Ok(url) = Url::parse(callback) else {
        return false;
    };
    let as_twitch_wants = url.scheme() == "https" && url.port().is_none() && url.host().is_some();
    as_twitch_wants || (matches!(url.scheme(), "http" | "https") && is_here(&url))
}

/// Returns whether a secret has the length and characters that Twitch requires.
pub(crate) fn is_valid_secret(secret: &str) -> bool {
    secret.is_ascii() && (10..=100).contains(&secret.len())
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl Shared {
    /// Starts sending without waiting for the response. Waits if the backlog is full. Returns false if Twitch is
    /// stopping.
    pub(crate) async fn post(self: &Arc<Self>, post: Post) -> bool {
        let Ok(permit) = Arc::clone(&self.backlog).acquire_owned().await else {
            return false;
        };
        let shared = Arc::clone(self);
        self.spawn(async move {
            shared.post_until_taken(post).await;
            drop(permit);
        });
        true
    }

    async fn post_until_taken(self: &Arc<Self>, mut post: Post) {
        let limits = &self.config.limits;
        let mut pause = limits.webhook_retry_delay;
        for attempt in 1..=limits.webhook_attempts.max(1) {
            if self.post_once(&post).await.is_ok_and(|answer| (200..300).contains(&answer.status)) {
                self.change(|world| world.faults.recover(&post.callback));
                return;
            }
            if attempt < limits.webhook_attempts {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(Duration::from_mins(1));
                post.retry += 1;
            }
        }
        let in_a_row = self.change(|world| world.faults.give_up(&post.callback));
        debug!("a webhook message was given up, {in_a_row} in a row");
        if in_a_row >= limits.webhook_failures_max && post.message_type == MessageType::Notification {
            self.lose_webhook(&post.callback).await;
        }
    }

    /// Makes one attempt. A status other than 2xx, or no response, is recorded as a failure.
    pub(crate) async fn post_once(&self, post: &Post) -> Result<Answer, reqwest::Error> {
        let permit = self.posts.acquire().await;
        let result = self.request(post).await;
        drop(permit);
        let reason = match &result {
            Ok(answer) if (200..300).contains(&answer.status) => return result,
            Ok(answer) => answer.status.to_string(),
            Err(error) if error.is_timeout() => "timeout".to_owned(),
            Err(_) => "no connection".to_owned(),
        };
        let (callback, message_id) = (post.callback.clone(), post.message_id.clone());
        let failure = WebhookFailure { callback, message_id, retry: post.retry, reason };
        self.change(|world| world.faults.note_failure(failure));
        result
    }

    async fn request(&self, post: &Post) -> Result<Answer, reqwest::Error> {
        let callback = Url::parse(&post.callback).ok();
        let routed = callback.as_ref().and_then(self.config.callback_route).or(callback);
        // Replace an external address by port 0 of this machine, where nothing listens.
        let target = routed.filter(is_here).map_or_else(|| "http://127.0.0.1:0/".to_owned(), String::from);
        let signature = signature(&post.secret, &post.message_id, &post.timestamp, post.body.as_bytes());
        let mut request = self
            .http
            .post(target)
            .header("Content-Type", "application/json")
            .header("Twitch-Eventsub-Message-Id", &post.message_id)
            .header("Twitch-Eventsub-Message-Retry", post.retry.to_string())
            .header("Twitch-Eventsub-Message-Type", post.message_type.as_str())
            .header("Twitch-Eventsub-Message-Signature", signature)
            .header("Twitch-Eventsub-Message-Timestamp", &post.timestamp);
        if let Some((kind, version)) = &post.about {
            request = request
                .header("Twitch-Eventsub-Subscription-Type", kind)
                .header("Twitch-Eventsub-Subscription-Version", version);
        }
        let response = request.body(post.body.clone()).send().await?;
        let header = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = header.unwrap_or_default().to_owned();
        let status = response.status().as_u16();
        Ok(Answer { status, content_type, body: response.text().await? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_id_time_and_body() {
        // The expected value is the output of `openssl dgst -sha256 -hmac` for the concatenation of the three texts.
        let signed = signature("s3cre7s3cre7", "id-1", "2026-09-20T14:07:00Z", b"{}");
        assert_eq!(signed, "sha256=346051e8987b0fa833b8c929a5fa3d3ad039d1ab59f284b54ca5118bd5930aaa");
    }

    #[test]
    fn callbacks_are_https_or_on_this_machine() {
        assert!(is_valid_callback("https://chatpulse.example.com/eventsub"));
        assert!(is_valid_callback("http://127.0.0.1:8080/webhooks/eventsub"));
        assert!(is_valid_callback("http://localhost:8080/"));
        assert!(!is_valid_callback("http://chatpulse.example.com/eventsub"));
        assert!(!is_valid_callback("https://chatpulse.example.com:8443/eventsub"));
        assert!(!is_valid_callback("not an address"));
    }
}
