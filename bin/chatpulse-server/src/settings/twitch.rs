//! Twitch settings: the application's credentials, and how chat is received.

use chatpulse_domain::ids::TwitchUserId;
use chatpulse_domain::secret::Secret;
use chatpulse_twitch::config::{Transport, TwitchUrls};
use url::Url;

use super::reader::Reader;
use super::web_url;

pub(crate) struct TwitchSettings {
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    pub(crate) redirect_uri: String,
    pub(crate) urls: TwitchUrls,
    pub(crate) transport: Transport,
    /// The public URL of the webhook route, also where chat comes by WebSocket.
    pub(crate) webhook_callback: Option<String>,
    /// Secrets that may sign a webhook, the current one first. Empty disables the webhook route.
    pub(crate) webhook_secrets: Vec<Secret>,
    pub(crate) bot: Option<TwitchUserId>,
}

struct Webhook {
    callback: String,
    secrets: Vec<Secret>,
}

impl TwitchSettings {
    pub(super) fn read(reader: &mut Reader<'_>, production: bool, solo: bool) -> Option<Self> {
        let client_id = reader.required("TWITCH_CLIENT_ID", "the client id of your Twitch application");
        let client_secret = reader.required("TWITCH_CLIENT_SECRET", "the secret of your Twitch application");
        let redirect_uri = read_redirect_uri(reader, production);
        let bot = reader.optional("BOT_USER_ID", "a Twitch user id: digits, not the name", |text| {
            TwitchUserId::new(text).ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
        });
        if !solo && matches!(bot, Some(None)) {
            reader.problem(
                "BOT_USER_ID",
                "nothing: it is not set",
                "the Twitch user id of the account that reads chat",
            );
        }
        let webhook = read_webhook(reader, matches!(bot, Some(None)));
        let chosen = reader.parse("EVENTSUB_TRANSPORT", "auto", "`webhook`, `websocket` or `auto`", |text| {
            ["webhook", "websocket", "auto"].into_iter().find(|known| *known == text)
        });
        let urls = read_urls(reader, production);
        let webhook = webhook?;
        if chosen == Some("webhook") && webhook.is_none() {
            reader.problem(
                "EVENTSUB_TRANSPORT",
                "`webhook`",
                "WEBHOOK_CALLBACK_URL and WEBHOOK_SECRET beside it",
            );
        }
        let transport = match (chosen?, &webhook) {
            ("webhook" | "auto", Some(webhook)) => Transport::Webhook {
                callback: webhook.callback.clone(),
                secret: webhook.secrets.first()?.clone(),
            },
            _ => Transport::WebSocket,
        };
        Some(Self {
            client_id: client_id?.to_owned(),
            client_secret: Secret::new(client_secret?),
            redirect_uri: redirect_uri?,
            urls: urls?,
            transport,
            webhook_callback: webhook.as_ref().map(|webhook| webhook.callback.clone()),
            webhook_secrets: webhook.map(|webhook| webhook.secrets).unwrap_or_default(),
            bot: bot?,
        })
    }
}

/// Returns the URL as written, because Twitch compares it exactly.
fn read_redirect_uri(reader: &mut Reader<'_>, production: bool) -> Option<String> {
    let scheme = if production { "an https" } else { "an http or https" };
    let expected = format!("{scheme} address that ends in /auth/callback");
    let text = reader.required("TWITCH_REDIRECT_URI", &expected)?;
    reader.checked("TWITCH_REDIRECT_URI", text, expected, |text| web_url::redirect_uri(text, production))?;
    Some(text.to_owned())
}

/// Reads the webhook URL and secret, which must be set together and require a bot. `Some(None)`: not used.
#[expect(clippy::option_option, reason = "wrong, not set, and set are three things")]
fn read_webhook(reader: &mut Reader<'_>, bot_is_missing: bool) -> Option<Option<Webhook>> {
    const SECRET: &str = "10 to 100 ASCII characters";
    const CALLBACK: &str = "https://HOST/webhooks/eventsub with a public host, on port 443";
    let callback = match reader.text("WEBHOOK_CALLBACK_URL") {
        None => Some(None),
        Some(text) => reader
            .checked("WEBHOOK_CALLBACK_URL", text, CALLBACK, web_url::callback)
            .map(|()| Some(text.to_owned())),
    };
    let secret = reader.optional("WEBHOOK_SECRET", SECRET, parse_secret);
    let old = reader.optional("WEBHOOK_SECRET_OLD", SECRET, parse_secret);
    let is_set = |reader: &mut Reader<'_>, name| reader.text(name).is_some();
    let (has_callback, has_secret) =
        (is_set(reader, "WEBHOOK_CALLBACK_URL"), is_set(reader, "WEBHOOK_SECRET"));
    if has_callback && !has_secret {
        reader.problem("WEBHOOK_SECRET", "nothing, but WEBHOOK_CALLBACK_URL is set", "both or neither");
    }
    if has_secret && !has_callback {
        reader.problem("WEBHOOK_CALLBACK_URL", "nothing, but WEBHOOK_SECRET is set", "both or neither");
    }
    if (has_callback || has_secret) && bot_is_missing {
        reader.problem(
            "BOT_USER_ID",
            "nothing, but webhooks are configured",
            "the Twitch user id of the account that reads chat",
        );
    }
    if is_set(reader, "WEBHOOK_SECRET_OLD") && !has_secret {
        reader.problem(
            "WEBHOOK_SECRET_OLD",
            "an earlier secret without a current one",
            "WEBHOOK_SECRET beside it",
        );
    }
    match (callback?, secret?, old?) {
        (Some(callback), Some(secret), old) => {
            Some(Some(Webhook { callback, secrets: std::iter::once(secret).chain(old).collect() }))
        }
        (None, None, _) => Some(None),
        _ => None,
    }
}

fn parse_secret(text: &str) -> Option<Secret> {
    ((10..=100).contains(&text.len()) && text.is_ascii()).then(|| Secret::new(text))
}

fn read_urls(reader: &mut Reader<'_>, production: bool) -> Option<TwitchUrls> {
    let mut base = |name, default: &str, schemes: [&'static str; 2]| {
        let expected = format!("an address that begins with {}:// or {}://", schemes[0], schemes[1]);
        let text = reader.text(name).unwrap_or(default);
        reader.checked(name, text, expected, |text| {
            let url = Url::parse(text).map_err(|_| "it is no URL")?;
            if !schemes.contains(&url.scheme()) || !url.has_host() {
                return Err("it begins with something else");
            }
            if production && url.scheme() == schemes[1] && !web_url::is_loopback(&url) {
                return Err("it is without TLS, and tokens would pass the network in clear");
            }
            if url.fragment().is_some() || (url.query().is_some() && name != "TWITCH_EVENTSUB_WS_URL") {
                return Err("it has a `?` or a `#`, and paths are appended to it");
            }
            Ok(url)
        })
    };
    let auth = base("TWITCH_AUTH_URL", "https://id.twitch.tv/oauth2", ["https", "http"]);
    let api = base("TWITCH_API_URL", "https://api.twitch.tv/helix", ["https", "http"]);
    let eventsub = base("TWITCH_EVENTSUB_WS_URL", "wss://eventsub.wss.twitch.tv/ws", ["wss", "ws"]);
    Some(TwitchUrls { auth: auth?, api: api?, eventsub: eventsub? })
}
