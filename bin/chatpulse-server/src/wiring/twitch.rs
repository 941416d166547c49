//! All Twitch clients: the feed with its worker, login, and the two chat transports.

use std::sync::Arc;

use anyhow::Context as _;
use chatpulse_domain::ports::chat_sink::ChatSink;
use chatpulse_domain::ports::clock::Clock;
use chatpulse_domain::ports::grant_sink::GrantSink;
use chatpulse_domain::ports::twitch_login::TwitchLogin;
use chatpulse_domain::ports::webhook_gate::WebhookGate;
use chatpulse_twitch::app_token::SharedToken;
use chatpulse_twitch::config::{Transport, TwitchConfig, TwitchUrls};
use chatpulse_twitch::eventsub::gate::TwitchGate;
use chatpulse_twitch::eventsub::router::EventRouter;
use chatpulse_twitch::eventsub::socket::EventSubSocket;
use chatpulse_twitch::feed::TwitchFeed;
use chatpulse_twitch::feed::worker::{FeedPorts, FeedWorker};
use chatpulse_twitch::helix::Helix;
use chatpulse_twitch::login::OauthLogin;
use chatpulse_twitch::tokens::RingCipher;
use chatpulse_twitch::twitch_clock::TwitchClock;
use rustls::ClientConfig;

use super::DerivedKeys;
use super::stores::Stores;
use crate::settings::Settings;
use crate::tls::{self, Roots};

/// The Twitch parts that the engine needs, built before the engine.
pub(super) struct Twitch {
    config: TwitchConfig,
    pub(super) cipher: Arc<RingCipher>,
    pub(super) login: Arc<dyn TwitchLogin>,
    pub(super) feed: TwitchFeed,
    pub(super) worker: FeedWorker,
    pub(super) clock: TwitchClock,
}

/// The chat transports, which deliver to the engine.
pub(super) struct ChatInputs {
    /// Present if `WEBHOOK_SECRET` is set.
    pub(super) webhook: Option<Arc<dyn WebhookGate>>,
    /// Present if chat is received over WebSocket.
    pub(super) socket: Option<EventSubSocket>,
}

impl Twitch {
    pub(super) fn build(
        settings: &Settings,
        keys: &DerivedKeys,
        stores: &Stores,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let config = twitch_config(settings)?;
        let cipher = Arc::new(RingCipher::new(&keys.token_key, &keys.token_keys_old));
        let shared = SharedToken { repository: Arc::clone(&stores.app_token), cipher: Arc::clone(&cipher) };
        let twitch_clock = TwitchClock::new(Arc::clone(clock));
        let helix = Helix::new(config.clone(), twitch_clock.clone(), Some(shared))
            .context("could not set up the connection to Twitch")?;
        let ports = FeedPorts {
            records: Arc::clone(&stores.subscriptions),
            signals: Arc::clone(&stores.live.signals),
            leadership: Arc::clone(&stores.live.leadership),
            shards: Arc::clone(&stores.live.shards),
        };
        let (worker, feed) = FeedWorker::new(Arc::new(helix), ports, &config);
        let login =
            OauthLogin::new(config.clone(), Arc::clone(clock)).context("could not set up logging in")?;
        Ok(Self { config, cipher, login: Arc::new(login), feed, worker, clock: twitch_clock })
    }

    /// Sends verified chat to `sink` and revoked grants to `grants`.
    pub(super) fn chat_inputs(
        &self,
        settings: &Settings,
        sink: &Arc<dyn ChatSink>,
        grants: Arc<dyn GrantSink>,
    ) -> ChatInputs {
        let router = EventRouter::new(self.clock.clone(), self.feed.clone(), grants);
        let secrets = &settings.twitch.webhook_secrets;
        let gate = || Arc::new(TwitchGate::new(secrets, router.clone())) as Arc<dyn WebhookGate>;
        let webhook = (!secrets.is_empty()).then(gate);
        let socket = matches!(self.config.transport, Transport::WebSocket)
            .then(|| EventSubSocket::new(self.config.clone(), self.feed.clone(), router, Arc::clone(sink)));
        ChatInputs { webhook, socket }
    }
}

/// Returns the configuration of the Twitch application, with TLS.
pub(crate) fn twitch_config(settings: &Settings) -> anyhow::Result<TwitchConfig> {
    let twitch = &settings.twitch;
    Ok(TwitchConfig {
        client_id: twitch.client_id.clone(),
        client_secret: twitch.client_secret.clone(),
        redirect_uri: twitch.redirect_uri.clone(),
        urls: twitch.urls.clone(),
        tls: twitch_tls(&twitch.urls, &settings.outgoing.roots)?,
        proxies: settings.outgoing.proxies.clone(),
        transport: twitch.transport.clone(),
    })
}

/// Returns the TLS config. A simulated Twitch needs no TLS, so a machine without root certificates can use it.
fn twitch_tls(urls: &TwitchUrls, roots: &Roots) -> anyhow::Result<Arc<ClientConfig>> {
    let in_clear =
        [&urls.auth, &urls.api, &urls.eventsub].iter().all(|url| ["http", "ws"].contains(&url.scheme()));
    if in_clear { tls::without_roots() } else { tls::client_config(roots) }.context("could not set up TLS")
}
