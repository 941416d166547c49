//! A streamer with a browser: logs in, saves settings and presses buttons.

use chatpulse_twitch_sim::{Endpoint, Fault, Sim};
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::{Answer, Browser, path_of};
use super::eventually;
use super::overlay::Overlay;
use super::server::Server;
use super::world::STREAMER;

/// A logged-in streamer with the dashboard open.
#[derive(Clone)]
pub(crate) struct Streamer {
    pub(crate) browser: Browser,
    pub(crate) csrf: String,
    pub(crate) overlay: String,
}

/// The settings form as a browser sends it.
#[derive(Clone)]
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Default for Form {
    fn default() -> Self {
        let fields = [
            ("for_trigger", "yes"),
            ("against_trigger", "no"),
            ("left_label", "Against"),
            ("right_label", "For"),
            ("decay_speed", "0.5"),
        ];
        Self(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

impl Form {
    /// Replaces a field.
    #[must_use]
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// Adds another value of a field.
    #[must_use]
    pub(crate) fn and(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }
}

/// Scopes requested from every streamer, whether or not the streamer's own account reads the chat.
pub(crate) const SCOPES: [&str; 3] = ["channel:bot", "user:read:chat", "user:bot"];

/// Starts a login. A server whose redirect URL is at another host sends the browser there first; here it is the same server.
pub(crate) async fn start(browser: &mut Browser, path: &str) -> Answer {
    let answer = browser.get(path).await.expect(302);
    if answer.location().contains("/auth/start?") {
        return browser.get(&path_of(answer.location())).await.expect(302);
    }
    answer
}

/// Runs the login up to Twitch's redirect. Returns the callback URL on our server.
pub(crate) async fn agree(browser: &mut Browser, sim: &Sim, user: &str) -> String {
    sim.grant(user, &SCOPES);
    let started = start(browser, "/auth/start").await;
    let answer = browser.visit(&format!("{}&login_as={user}", started.location())).await;
    path_of(answer.expect(302).location())
}

/// Accepts the bot's consent page with this account. Returns the response of our callback.
pub(crate) async fn connect_bot(browser: &mut Browser, sim: &Sim, account: &str) -> Answer {
    let start = start(browser, "/auth/start?role=bot").await;
    let mut form: Vec<(String, String)> =
        url::Url::parse(start.location()).unwrap().query_pairs().into_owned().collect();
    form.push(("decision".to_owned(), "authorize".to_owned()));
    form.push(("user_id".to_owned(), account.to_owned()));
    let authorize = format!("{}/authorize", sim.auth_url());
    let back = browser.post_elsewhere(&authorize, &form).await.expect(303);
    browser.get(&path_of(back.location())).await
}

pub(crate) const ACCESS: &str = "access0token0in0clear";
pub(crate) const REFRESH: &str = "refresh0token0in0clear";

/// Returns known tokens to the next login, so that a test can search for them.
pub(crate) fn gives_known_tokens(sim: &Sim) {
    let token = json!({ "access_token": ACCESS, "refresh_token": REFRESH, "expires_in": 14_124,
        "scope": ["channel:bot"], "token_type": "bearer" });
    let valid = json!({ "client_id": "x", "login": "streamer", "user_id": STREAMER,
        "scopes": ["channel:bot"], "expires_in": 14_124 });
    let ok = |body: &Value| Fault::status(200).body(body.to_string());
    sim.fail_next(Endpoint::Token, &ok(&token), 1);
    sim.fail_next(Endpoint::Validate, &ok(&valid), 1);
}

impl Streamer {
    pub(crate) async fn log_in(server: &Server, sim: &Sim, user: &str) -> Self {
        let mut browser = Browser::at(server);
        let callback = agree(&mut browser, sim, user).await;
        browser.get(&callback).await.leads_to("/dashboard");
        Self::at_dashboard(browser).await
    }

    /// Reads the CSRF token and the overlay from the dashboard.
    pub(crate) async fn at_dashboard(mut browser: Browser) -> Self {
        let page = browser.get("/dashboard").await.expect(200).body;
        Self {
            browser,
            csrf: between(&page, "name=\"csrf_token\" value=\"", "\"").to_owned(),
            overlay: between(&page, "data-overlay-id=\"", "\"").to_owned(),
        }
    }

    pub(crate) async fn open_overlay(&self, server: &Server) -> Overlay {
        Overlay::open(server, &self.overlay).await
    }

    pub(crate) async fn submit(&mut self, form: &Form) -> Answer {
        let mut fields = form.0.clone();
        fields.push(("csrf_token".to_owned(), self.csrf.clone()));
        let request = self.browser.request(Method::POST, "/dashboard/config");
        self.browser.send(request.form(&fields)).await
    }

    pub(crate) async fn save(&mut self, form: &Form) {
        self.submit(form).await.leads_to("/dashboard");
    }

    /// Calls the API as the dashboard's script does.
    pub(crate) async fn call(&mut self, path: &str, body: &Value) -> Answer {
        let request = self.browser.request(Method::POST, path);
        let request = request.header("X-CSRF-Token", &self.csrf).json(body);
        self.browser.send(request).await
    }

    pub(crate) async fn test_vote(&mut self, side: &str) -> Answer {
        self.call("/api/test-vote", &json!({ "side": side })).await
    }

    pub(crate) async fn reset(&mut self) {
        let path = format!("/api/reset/{}", self.overlay);
        self.call(&path, &Value::Null).await.expect(200);
    }

    /// Resets the overlay URL and uses the new one from now on.
    pub(crate) async fn rotate(&mut self) -> Value {
        let answer = self.call("/api/rotate-overlay-uuid", &Value::Null).await;
        let answer = answer.expect(200).json();
        answer["new_uuid"].as_str().unwrap().clone_into(&mut self.overlay);
        answer
    }

    pub(crate) async fn status(&mut self) -> Value {
        self.browser.get("/api/overlay-status").await.expect(200).json()
    }

    /// Waits until the dashboard shows this chat state.
    pub(crate) async fn chat_becomes(&mut self, state: &str) {
        eventually(&format!("chat is {state}"), async || {
            (self.status().await["chat"] == state).then_some(())
        })
        .await;
    }
}

/// Returns the text between two delimiters.
#[track_caller]
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {text}")).1;
    rest.split_once(after).unwrap().0
}
