//! Consent, codes and tokens.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{BOT, Client, STREAMER, json_of, param_of};
use chatpulse_twitch_sim::{Grant, SimConfig};

const CALLBACK: &str = "http://127.0.0.1:1/callback";

fn query<'a>(client: &'a Client, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("client_id", &client.id),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", scope),
        ("state", "s-1"),
    ]
}

async fn press(client: &Client, scope: &str, decision: &str) -> reqwest::Response {
    let mut form = query(client, scope);
    form.extend([("user_id", STREAMER), ("decision", decision)]);
    let url = format!("{}/authorize", client.sim.auth_url());
    client.http.post(url).form(&form).send().await.unwrap()
}

async fn validate(client: &Client, token: &str) -> (u16, Value) {
    let url = format!("{}/validate", client.sim.auth_url());
    let request = client.http.get(url).header("Authorization", format!("OAuth {token}"));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), json_of(response).await)
}

#[tokio::test]
async fn a_stranger_is_asked_and_then_goes_straight_through() {
    let client = Client::start().await;
    let page = client.visit(&query(&client, "channel:bot")).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(
        page.contains("Simulated Twitch") && page.contains("Let its bot join") && page.contains("@streamer")
    );

    let back = press(&client, "channel:bot", "authorize").await;
    assert_eq!(back.status(), 303);
    assert_eq!(param_of(&back, "state").as_deref(), Some("s-1"));
    assert_eq!(param_of(&back, "scope").as_deref(), Some("channel:bot"));
    let granted = Grant { user_id: STREAMER.into(), scopes: vec!["channel:bot".into()] };
    assert_eq!(client.sim.grants(), [granted]);

    let again = client.visit(&query(&client, "channel:bot")).await;
    assert_eq!(again.status(), 302);
    assert!(param_of(&again, "code").is_some());

    let mut forced = query(&client, "channel:bot");
    forced.push(("force_verify", "true"));
    assert_eq!(client.visit(&forced).await.status(), 200);

    client.sim.sign_in_as(BOT);
    assert_eq!(client.visit(&query(&client, "channel:bot")).await.status(), 200);
    client.sim.stop().await;
}

#[tokio::test]
async fn cancel_and_wrong_addresses_come_back_with_words() {
    let registered = vec![CALLBACK.to_owned()];
    let client = Client::with(SimConfig { redirect_uris: registered, ..SimConfig::default() }).await;
    let denied = press(&client, "", "cancel").await;
    assert_eq!(
        denied.headers()["location"],
        format!("{CALLBACK}?error=access_denied&error_description=The+user+denied+you+access&state=s-1")
    );

    let mut wrong = query(&client, "");
    wrong[1] = ("redirect_uri", "http://127.0.0.1:2/elsewhere");
    let mismatch = client.visit(&wrong).await;
    assert_eq!(param_of(&mismatch, "error").as_deref(), Some("redirect_mismatch"));

    wrong[0] = ("client_id", "somebody-else");
    let refused = client.visit(&wrong).await;
    assert_eq!(refused.status(), 400);
    client.sim.stop().await;
}

#[tokio::test]
async fn a_code_works_once() {
    let client = Client::start().await;
    let back = press(&client, "", "authorize").await;
    let code = param_of(&back, "code").unwrap();
    let grant = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];

    let first = client.token(&grant).await;
    assert_eq!(first.status(), 200);
    let first = json_of(first).await;
    assert_eq!(first["expires_in"], 4 * 60 * 60);
    assert_eq!(first.get("scope"), None);
    let second = client.token(&grant).await;
    assert_eq!(second.status(), 400);
    assert_eq!(json_of(second).await, json!({ "status": 400, "message": "Invalid authorization code" }));
    client.sim.stop().await;
}

#[tokio::test]
async fn tokens_say_whose_they_are() {
    let client = Client::start().await;
    let issued = client.user_token(STREAMER, "user:read:chat channel:bot").await;
    assert_eq!(issued["scope"], json!(["channel:bot", "user:read:chat"]));

    let (status, user) = validate(&client, issued["access_token"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!((&user["login"], &user["user_id"]), (&json!("streamer"), &json!(STREAMER)));
    assert_eq!(user["scopes"], json!(["channel:bot", "user:read:chat"]));

    let (_, app) = validate(&client, &client.token).await;
    assert_eq!((app.get("login"), &app["scopes"]), (None, &Value::Null));
    let wrong = validate(&client, "nonsense").await;
    assert_eq!(wrong, (401, json!({ "status": 401, "message": "invalid access token" })));
    client.sim.stop().await;
}

#[tokio::test]
async fn a_refresh_token_is_replaced_when_used() {
    let client = Client::start().await;
    let issued = client.user_token(STREAMER, "channel:bot").await;
    let old = issued["refresh_token"].as_str().unwrap();
    let grant = [("grant_type", "refresh_token"), ("refresh_token", old)];

    let refreshed = json_of(client.token(&grant).await).await;
    assert_ne!(refreshed["refresh_token"], old);
    assert_eq!(refreshed["scope"], json!(["channel:bot"]));
    let reused = client.token(&grant).await;
    assert_eq!(reused.status(), 400);
    let expected = json!({ "error": "Bad Request", "status": 400, "message": "Invalid refresh token" });
    assert_eq!(json_of(reused).await, expected);

    client.sim.disconnect_user(STREAMER).await;
    let newest = refreshed["refresh_token"].as_str().unwrap();
    let dead = client.token(&[("grant_type", "refresh_token"), ("refresh_token", newest)]).await;
    assert_eq!(dead.status(), 401);
    client.sim.stop().await;
}

#[tokio::test]
async fn an_expired_app_token_is_refused_and_a_new_one_works() {
    let client = Client::start().await;
    client.sim.expire_app_tokens();
    let (status, body) = client.call(Method::GET, "/eventsub/conduits", Value::Null).await;
    assert_eq!(status, 401);
    assert_eq!(body["message"], "Invalid OAuth token");
    let renewed = json_of(client.token(&[("grant_type", "client_credentials")]).await).await;
    let token = renewed["access_token"].as_str().unwrap();
    let (status, _) = client.call_as(token, Method::GET, "/eventsub/conduits", Value::Null).await;
    assert_eq!(status, 200);
    client.sim.stop().await;
}

#[tokio::test]
async fn a_revoked_token_ends_its_own_authorization_alone() {
    let client = Client::start().await;
    let url = format!("{}/revoke", client.sim.auth_url());
    let (first, second) =
        (client.user_token(STREAMER, "channel:bot").await, client.user_token(STREAMER, "channel:bot").await);
    let text = |issued: &Value, name: &str| issued[name].as_str().unwrap().to_owned();
    let revoked = text(&first, "access_token");
    let form = [("client_id", &*client.id), ("token", &*revoked)];
    assert_eq!(client.http.post(&url).form(&form).send().await.unwrap().status(), 200);
    assert_eq!(client.sim.revoked_tokens(), std::slice::from_ref(&revoked));
    assert_eq!(client.sim.grants().len(), 1);
    assert_eq!(validate(&client, &revoked).await.0, 401);
    let refresh = async |issued: &Value| {
        let token = text(issued, "refresh_token");
        client.token(&[("grant_type", "refresh_token"), ("refresh_token", &token)]).await.status().as_u16()
    };
    assert_eq!(refresh(&first).await, 400);
    assert_eq!(validate(&client, &text(&second, "access_token")).await.0, 200);
    assert_eq!(refresh(&second).await, 200);
    client.sim.stop().await;
}

#[tokio::test]
async fn a_revoked_token_takes_the_grant_with_it() {
    let client = Client::start().await;
    let issued = client.user_token(STREAMER, "channel:bot").await;
    let token = issued["access_token"].as_str().unwrap();
    let url = format!("{}/revoke", client.sim.auth_url());
    let form = [("client_id", &*client.id), ("token", token)];
    let revoked = client.http.post(&url).form(&form).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    assert_eq!(client.sim.grants(), []);
    let again = client.http.post(&url).form(&form).send().await.unwrap();
    assert_eq!(again.status(), 400);
    client.sim.stop().await;
}
