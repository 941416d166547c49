//! An application that uses the simulated Twitch, as short as possible.

use std::time::Duration;

use chatpulse_twitch_sim::{Limits, Sim, SimConfig};
use futures_util::StreamExt;
use reqwest::{Method, Response, redirect};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) const STREAMER: &str = "1971641";
pub(crate) const BOT: &str = "2914196";
/// How long anything may take before a test fails.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// A simulated Twitch and an application with an app token.
pub(crate) struct Client {
    pub(crate) sim: Sim,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
    pub(crate) id: String,
    secret: String,
}

/// Limits under which nothing takes long.
pub(crate) fn quick() -> Limits {
    Limits { webhook_retry_delay: Duration::from_millis(5), webhook_attempts: 3, ..Limits::default() }
}

impl Client {
    pub(crate) async fn start() -> Self {
        Self::with(SimConfig { limits: quick(), ..SimConfig::default() }).await
    }

    pub(crate) async fn with(config: SimConfig) -> Self {
        // A second test in this process finds a provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (id, secret) = (config.client_id.clone(), config.client_secret.clone());
        let sim = Sim::start(config).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        let mut client = Self { sim, http, token: String::new(), id, secret };
        let answer = client.token(&[("grant_type", "client_credentials")]).await;
        json_of(answer).await["access_token"].as_str().unwrap().clone_into(&mut client.token);
        client
    }

    /// `POST /oauth2/token` as this application.
    pub(crate) async fn token(&self, params: &[(&str, &str)]) -> Response {
        let mut form = vec![("client_id", &*self.id), ("client_secret", &*self.secret)];
        form.extend(params);
        self.http.post(format!("{}/token", self.sim.auth_url())).form(&form).send().await.unwrap()
    }

    /// The browser comes to `/oauth2/authorize`.
    pub(crate) async fn visit(&self, query: &[(&str, &str)]) -> Response {
        let url = format!("{}/authorize", self.sim.auth_url());
        let url = url::Url::parse_with_params(&url, query).unwrap();
        self.http.get(url).send().await.unwrap()
    }

    /// A call of the API with the app token; the status and the body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.call_as(&self.token, method, path, body).await
    }

    pub(crate) async fn call_as(&self, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method, format!("{}{path}", self.sim.api_url()));
        let request = request.bearer_auth(token).header("Client-Id", &self.id);
        let response = request.body(body.to_string()).send().await.unwrap();
        (response.status().as_u16(), json_of(response).await)
    }

    /// A conduit with one shard, and its id.
    pub(crate) async fn conduit(&self) -> String {
        let path = "/eventsub/conduits";
        let (status, answer) = self.call(Method::POST, path, json!({ "shard_count": 1 })).await;
        assert_eq!(status, 200);
        answer["data"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Assigns shard 0 of the conduit.
    pub(crate) async fn assign(&self, conduit_id: &str, transport: Value) -> Value {
        let shard = json!({ "id": "0", "transport": transport });
        let body = json!({ "conduit_id": conduit_id, "shards": [shard] });
        let (status, answer) = self.call(Method::PATCH, "/eventsub/conduits/shards", body).await;
        assert_eq!(status, 202);
        answer
    }

    /// Asks for the chat of the streamer, read by the bot.
    pub(crate) async fn subscribe(&self, transport: Value) -> (u16, Value) {
        self.call(Method::POST, "/eventsub/subscriptions", chat(&transport)).await
    }

    /// All grants that reading the streamer's chat needs.
    pub(crate) fn grant_all(&self) {
        self.sim.grant(BOT, &["user:read:chat", "user:bot"]);
        self.sim.grant(STREAMER, &["channel:bot"]);
    }

    /// A user token, without any page since the grant is there already.
    pub(crate) async fn user_token(&self, user_id: &str, scope: &str) -> Value {
        self.sim.grant(user_id, &scope.split(' ').collect::<Vec<_>>());
        let redirect_uri = "http://127.0.0.1:1/callback";
        let query = [
            ("client_id", &*self.id),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", scope),
            ("login_as", user_id),
        ];
        let response = self.visit(&query).await;
        let code = param_of(&response, "code").unwrap();
        let grant = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", redirect_uri)];
        json_of(self.token(&grant).await).await
    }
}

/// The body of a subscription to the streamer's chat.
pub(crate) fn chat(transport: &Value) -> Value {
    let condition = json!({ "broadcaster_user_id": STREAMER, "user_id": BOT });
    json!({ "type": "channel.chat.message", "version": "1", "condition": condition, "transport": transport })
}

pub(crate) async fn json_of(response: Response) -> Value {
    let text = response.text().await.unwrap();
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

/// A parameter of the address that a response redirects to.
pub(crate) fn param_of(response: &Response, name: &str) -> Option<String> {
    let target = response.headers()["location"].to_str().unwrap();
    let target = url::Url::parse(target).unwrap();
    target.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// An EventSub client that has read its welcome.
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) session_id: String,
}

impl Socket {
    pub(crate) async fn open(url: &str) -> Self {
        let (stream, _) = connect_async(url).await.unwrap();
        let mut socket = Self { stream, session_id: String::new() };
        let welcome = socket.next().await.unwrap();
        assert_eq!(welcome["metadata"]["message_type"], "session_welcome");
        welcome["payload"]["session"]["id"].as_str().unwrap().clone_into(&mut socket.session_id);
        socket
    }

    /// The transport of a shard or subscription that uses this session.
    pub(crate) fn transport(&self) -> Value {
        json!({ "method": "websocket", "session_id": self.session_id })
    }

    /// The next frame, or the code that the socket was closed with.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = timeout(SOON, self.stream.next()).await.expect("a frame in time");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_) | Err(_)) | None => return Err(1006),
            }
        }
    }
}
