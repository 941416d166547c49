//! Returns every sample response of Twitch's login and of Helix once to the server, at a matching request.

use std::path::Path;

use chatpulse_twitch_sim::{Endpoint, Fault, Sim};
use serde_json::{Value, json};

use super::{file_name, read_json, read_text, sample, samples_of_kind};
use crate::support::SOON;
use crate::support::browser::{Browser, path_of};
use crate::support::server::{Server, http_client};
use crate::support::streamer::{Streamer, agree};
use crate::support::world::{CLIENT_ID, CLIENT_SECRET, STREAMER, World, setup_for, sim_config};

/// The endpoint whose answer a sample is, by the start of its name.
fn endpoint_of(name: &str) -> Endpoint {
    let endpoints = [
        ("helix-users", Endpoint::GetUsers),
        ("helix-conduits-get", Endpoint::GetConduits),
        ("helix-conduits-create", Endpoint::CreateConduit),
        // The tests here never resize a conduit, so the answer is given where conduits are listed.
        ("helix-conduits-update", Endpoint::GetConduits),
        ("helix-shards-get", Endpoint::GetShards),
        ("helix-shards-patch", Endpoint::UpdateShards),
        ("helix-subs-create", Endpoint::CreateSubscription),
        ("helix-subs-get", Endpoint::GetSubscriptions),
        ("helix-subs-delete", Endpoint::DeleteSubscription),
        ("helix-", Endpoint::CreateSubscription),
        ("oauth-validate", Endpoint::Validate),
        ("oauth-", Endpoint::Token),
    ];
    let found = endpoints.into_iter().find(|(prefix, _)| name.starts_with(prefix));
    found.unwrap_or_else(|| panic!("{name} belongs to no endpoint")).1
}

fn answer_of(file: &Path, entry: &Value) -> Fault {
    let status = u16::try_from(entry["expect"]["status"].as_u64().unwrap()).unwrap();
    let mut fault = Fault::status(status).body(read_text(file));
    for (name, value) in entry["expect"]["headers"].as_object().into_iter().flatten() {
        fault = fault.header(name, value.as_str().unwrap());
    }
    fault
}

#[tokio::test]
async fn every_login_answer_of_the_samples_is_handled() {
    let world = World::websocket_with(|setup| setup.set("AUTH_RATE_PER_MINUTE", "0")).await;
    assert!(world.sim.wait_until(SOON, |sim| !sim.conduits().is_empty()).await);
    let mut given = 0;
    for (file, entry) in
        samples_of_kind("oauth response").into_iter().chain(samples_of_kind("helix response"))
    {
        let name = file_name(&file);
        let endpoint = endpoint_of(&name);
        if ![Endpoint::Token, Endpoint::Validate, Endpoint::GetUsers].contains(&endpoint) {
            continue;
        }
        let mut browser = Browser::at(&world.server);
        let callback = agree(&mut browser, &world.sim, STREAMER).await;
        let fault = answer_of(&file, &entry);
        world.sim.fail_next(endpoint, &fault, 1);
        let calls = world.sim.calls(endpoint);
        let status = browser.get(&callback).await.status;
        assert!(world.sim.calls(endpoint) > calls, "{name} was never asked for");
        let allowed = match (endpoint, fault.status) {
            // The login works without a display name.
            (Endpoint::GetUsers, _) => vec![302],
            // The simulated Twitch does not know the token of a sample, so the next call refuses it.
            (Endpoint::Token | Endpoint::Validate, 200) => vec![302, 400],
            (_, 400..500) => vec![400],
            _ => vec![502],
        };
        assert!(allowed.contains(&status), "{name} made it {status}");
        given += 1;
    }
    assert!(given >= 22, "only {given} answers were given");
    world.log_in().await;
    assert!(!world.server.log.text().contains("panick"));
}

#[tokio::test]
async fn every_login_redirect_of_the_samples_is_refused_without_a_login() {
    let world = World::websocket_with(|setup| setup.set("AUTH_RATE_PER_MINUTE", "0")).await;
    let redirects = read_json(&sample("oauth-redirects.json"));
    let redirects = redirects.as_object().unwrap();
    assert!(!redirects.is_empty());
    for url in redirects.values() {
        let path = path_of(url.as_str().unwrap());
        Browser::at(&world.server).get(&path).await.expect_page(400);
    }
    world.log_in().await;
}

#[tokio::test]
async fn every_helix_answer_of_the_samples_is_handled() {
    let mut given = 0;
    for (file, entry) in samples_of_kind("helix response") {
        let name = file_name(&file);
        let endpoint = endpoint_of(&name);
        if endpoint == Endpoint::GetUsers {
            continue;
        }
        // Each answer leaves Twitch in another state, so each has its own.
        let sim = Sim::start(sim_config()).await.unwrap();
        let deletes = endpoint == Endpoint::DeleteSubscription;
        let setup = setup_for(&sim)
            .set("SUBSCRIPTION_GRACE", if deletes { "1ms" } else { "10m" })
            .set("ORPHAN_MAX_AGE", "50ms")
            .set("CLEANUP_INTERVAL", "50ms");
        if endpoint == Endpoint::GetShards {
            // The server asks for the shards of a conduit that exists before it starts.
            make_conduit(&sim).await;
        }
        sim.fail_next(endpoint, &answer_of(&file, &entry), 1);
        let server = Server::start(setup).await;
        let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
        let overlay = streamer.open_overlay(&server).await;
        if deletes {
            streamer.chat_becomes("reading").await;
            overlay.close().await;
        }
        let asked = sim.wait_until(SOON, |sim| sim.calls(endpoint) > 0).await;
        assert!(asked, "{name} was never asked for");
        let live = server.http.get(server.url("/health/live")).send().await.unwrap();
        assert_eq!(live.status(), 200, "{name}");
        streamer.status().await;
        assert!(!server.log.text().contains("panick"), "{name}");
        given += 1;
    }
    assert!(given >= 37, "only {given} answers were given");
}

/// The conduit that an earlier start of the same application would have made.
async fn make_conduit(sim: &Sim) {
    let http = http_client();
    let token = json!({
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "client_credentials",
    });
    let answer = http.post(format!("{}/token", sim.auth_url())).form(&token).send().await.unwrap();
    let token: Value = answer.json().await.unwrap();
    let made = http
        .post(format!("{}/eventsub/conduits", sim.api_url()))
        .bearer_auth(token["access_token"].as_str().unwrap())
        .header("Client-Id", CLIENT_ID)
        .json(&json!({ "shard_count": 1 }))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 200);
}
