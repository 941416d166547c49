//! Finding our conduit when the application has several, and the log messages for operators.

use std::time::Duration;

use chatpulse_twitch_sim::{ChatLine, Chatter, Conduit, Endpoint, Sim, SimConfig};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::SOON;
use crate::support::fleet::Fleet;
use crate::support::metrics::Metrics;
use crate::support::server::{Server, Setup, http_client};
use crate::support::streamer::Streamer;
use crate::support::world::{CLIENT_ID, CLIENT_SECRET, STREAMER, setup_for, sim_config};

/// Somebody else with the same client id: a laptop, or another deployment.
struct Neighbour<'a>(&'a Sim);

impl Neighbour<'_> {
    async fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let http = http_client();
        let form = [
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("grant_type", "client_credentials"),
        ];
        let token = http.post(format!("{}/token", self.0.auth_url())).form(&form).send().await.unwrap();
        let token: Value = token.json().await.unwrap();
        let request = http.request(method, format!("{}{path}", self.0.api_url()));
        request.bearer_auth(token["access_token"].as_str().unwrap()).header("Client-Id", CLIENT_ID)
    }

    /// Nothing is delivered to it.
    async fn makes_a_conduit(&self) -> String {
        let request = self.call(Method::POST, "/eventsub/conduits").await;
        let made = request.json(&json!({ "shard_count": 1 })).send().await.unwrap();
        let made: Value = made.error_for_status().unwrap().json().await.unwrap();
        made["data"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn deletes(&self, conduit: &str) {
        let request = self.call(Method::DELETE, &format!("/eventsub/conduits?id={conduit}")).await;
        request.send().await.unwrap().error_for_status().unwrap();
    }
}

fn ids(sim: &Sim) -> Vec<String> {
    sim.conduits().into_iter().map(|conduit| conduit.id).collect()
}

/// What `check` says about chat: the verdict, and what it found.
async fn chat_row(setup: &Setup) -> (String, String) {
    let finished = setup.clone().arguments(&["check", "--json"]).run().await;
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    let rows = report["checks"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "chat connection");
    let row = row.unwrap_or_else(|| panic!("{}", finished.stdout));
    (row["status"].as_str().unwrap().to_owned(), row["found"].as_str().unwrap().to_owned())
}

async fn connected(server: &mut Server) {
    assert!(server.log.says("connected to Twitch conduit.id").await);
}

#[tokio::test]
async fn the_only_conduit_is_taken_over_if_nobody_uses_it() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let unused = Neighbour(&sim).makes_a_conduit().await;
    let mut server = Server::start(setup_for(&sim)).await;
    connected(&mut server).await;
    assert_eq!(ids(&sim), [unused]);
}

#[tokio::test]
async fn a_conduit_that_somebody_uses_is_left_alone() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let mut production = Server::start(setup_for(&sim)).await;
    connected(&mut production).await;
    let theirs = sim.conduits();
    let mut laptop = Server::start(setup_for(&sim)).await;
    connected(&mut laptop).await;
    assert_eq!(sim.conduits().len(), 2);
    assert_eq!(sim.conduits()[0], theirs[0]);
    laptop.stop().await;
    assert_eq!(sim.conduits()[0], theirs[0]);
    // Each finds its own again, however many there are.
    let before = ids(&sim);
    let setup = production.setup().clone();
    production.stop().await;
    let mut production = Server::start(setup).await;
    connected(&mut production).await;
    assert_eq!(ids(&sim), before);
}

#[tokio::test]
async fn of_several_that_nobody_uses_none_is_taken() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let theirs = [Neighbour(&sim).makes_a_conduit().await, Neighbour(&sim).makes_a_conduit().await];
    let mut server = Server::start(setup_for(&sim)).await;
    connected(&mut server).await;
    assert_eq!(ids(&sim)[..2], theirs);
    assert_eq!(sim.conduits().len(), 3);
}

#[tokio::test]
async fn at_twitchs_limit_log_and_check_say_what_to_do_and_it_is_enough_to_do_it() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let mut theirs = Vec::new();
    for _ in 0..5 {
        theirs.push(Neighbour(&sim).makes_a_conduit().await);
    }
    let mut server = Server::start(setup_for(&sim)).await;
    assert!(server.log.says("as many conduits as Twitch allows; delete one that nobody uses (`chatpulse conduits` lists them)").await);
    let (status, found) = chat_row(server.setup()).await;
    assert_eq!(status, "warning");
    assert!(found.contains("as many conduits as Twitch allows"), "{found}");
    let ready = server.http.get(server.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), 200, "all but chat works");
    assert_eq!(Metrics::of(&server).await.value("eventsub_shard_enabled", &[]), 0.0);

    Neighbour(&sim).deletes(&theirs.remove(2)).await;
    connected(&mut server).await;
    assert_eq!(ids(&sim)[..4], theirs);
    assert_eq!(chat_row(server.setup()).await.0, "ok");
    assert_eq!(Metrics::of(&server).await.value("eventsub_shard_enabled", &[]), 1.0);
}

#[tokio::test]
async fn check_says_whether_chat_is_delivered() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let mut server = Server::start(setup_for(&sim)).await;
    connected(&mut server).await;
    let setup = server.setup().clone();
    assert_eq!(chat_row(&setup).await.0, "ok");
    server.stop().await;
    assert!(sim.wait_until(SOON, |sim| sim.open_sockets() == 0).await);
    let (status, found) = chat_row(&setup).await;
    assert_eq!(status, "warning");
    assert!(found.contains("websocket_disconnected"), "{found}");
    // A conduit that was deleted at Twitch is made anew.
    Neighbour(&sim).deletes(&ids(&sim)[0]).await;
    assert_eq!(chat_row(&setup).await, ("ok".into(), "there is no conduit yet; the server makes it".into()));
    let server = Server::start(setup).await;
    let mut streamer = Streamer::log_in(&server, &sim, STREAMER).await;
    let _overlay = streamer.open_overlay(&server).await;
    streamer.chat_becomes("reading").await;
}

/// It was paused before the answer came, say, and another one led meanwhile: nothing of the overtaken one is left.
#[tokio::test]
async fn a_leader_that_was_overtaken_takes_its_own_conduit_back() {
    let fleet = Fleet::without_instances(0, |setup| setup).await.by_socket();
    let (sim, mut made) = (&fleet.sim, Vec::new());
    for _ in 0..2 {
        made.push(Neighbour(sim).makes_a_conduit().await);
    }
    sim.set_latency(Duration::from_secs(1));
    let starting = fleet.start_one();
    let overtaking = async {
        assert!(sim.wait_until(SOON, |sim| sim.calls(Endpoint::CreateConduit) == 3).await);
        let database = fleet.database.connect().await;
        database.execute("INSERT INTO conduits (id) VALUES ($1)", &[&made[1]]).await.unwrap();
        sim.set_latency(Duration::ZERO);
    };
    let (mut server, ()) = tokio::join!(starting, overtaking);
    assert!(server.log.says("another instance has made the conduit").await);
    connected(&mut server).await;
    assert_eq!(ids(sim), made);
    assert!(sim.conduits()[1].shards[0].transport.is_some());
}

/// It found the very conduit that the overtaken one had just made, and took it: then it is everybody's.
#[tokio::test]
async fn a_conduit_that_another_leader_has_taken_meanwhile_is_kept() {
    let fleet = Fleet::without_instances(0, |setup| setup).await.by_socket();
    let sim = &fleet.sim;
    // Time enough to stand between the conduit and its record.
    sim.set_latency(Duration::from_secs(1));
    let mut server = fleet.start_one().await;
    let database = fleet.database.connect().await;
    database.batch_execute("BEGIN; LOCK TABLE conduits IN EXCLUSIVE MODE").await.unwrap();
    assert!(sim.wait_until(SOON, |sim| sim.conduits().len() == 1).await);
    database.execute("INSERT INTO conduits (id) VALUES ($1)", &[&ids(sim)[0]]).await.unwrap();
    database.batch_execute("COMMIT").await.unwrap();
    sim.set_latency(Duration::ZERO);
    connected(&mut server).await;
    assert_eq!(sim.conduits().len(), 1);
    assert_eq!((sim.calls(Endpoint::CreateConduit), sim.calls(Endpoint::DeleteConduit)), (1, 0));
}

/// Production and staging, say, each with a client id of its own at the same Twitch.
#[tokio::test]
async fn two_deployments_with_different_client_ids_never_touch_each_others_conduits() {
    const OTHER_CLIENT: [&str; 2] = ["anotherclientid0123456789abcde", "anotherclientsecret0123456789a"];
    let [id, secret] = OTHER_CLIENT.map(str::to_owned);
    let config = SimConfig { other_clients: vec![(id.clone(), secret.clone())], ..sim_config() };
    let sim = Sim::start(config).await.unwrap();
    let mut production = Server::start(setup_for(&sim)).await;
    connected(&mut production).await;
    let setup = setup_for(&sim).set("TWITCH_CLIENT_ID", id.clone()).set("TWITCH_CLIENT_SECRET", secret);
    let mut staging = Server::start(setup.clone()).await;
    connected(&mut staging).await;
    let owners = |sim: &Sim| sim.conduits().into_iter().map(|conduit| conduit.client_id).collect::<Vec<_>>();
    assert_eq!(owners(&sim), [CLIENT_ID.to_owned(), id.clone()]);
    let before = sim.conduits();

    // The same streamer at both.
    for server in [&production, &staging] {
        let mut streamer = Streamer::log_in(server, &sim, STREAMER).await;
        let mut overlay = streamer.open_overlay(server).await;
        streamer.chat_becomes("reading").await;
        let line = ChatLine::new(STREAMER, Chatter::named("Ada"), "yes");
        assert!(sim.say(line).await.deliveries >= 1);
        overlay.shows(|value| value > 2.0).await;
    }
    staging.stop().await;
    let mut staging = Server::start(setup).await;
    connected(&mut staging).await;
    let ids_of = |all: &[Conduit]| all.iter().map(|conduit| conduit.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids_of(&sim.conduits()), ids_of(&before));
    assert_eq!(sim.conduits()[0], before[0], "whose shard nobody touched");
    assert_eq!(sim.calls(Endpoint::DeleteConduit), 0);
    assert_eq!(sim.calls(Endpoint::DeleteSubscription), 0);
}

#[tokio::test]
async fn conduits_are_listed_and_one_that_is_not_ours_can_be_deleted() {
    let sim = Sim::start(sim_config()).await.unwrap();
    let theirs = Neighbour(&sim).makes_a_conduit().await;
    let unused = Neighbour(&sim).makes_a_conduit().await;
    let server = Server::start(setup_for(&sim)).await;
    assert!(sim.wait_until(SOON, |sim| sim.conduits().len() == 3).await);
    let ours = ids(&sim).into_iter().find(|id| ![&theirs, &unused].contains(&id)).unwrap();
    let setup = server.setup().clone();
    let run = async |words: &[&str]| setup.clone().arguments(words).run().await;

    let list = run(&["conduits"]).await;
    assert_eq!(list.code, Some(0), "{}", list.stderr);
    let line = |id: &str| list.stdout.lines().find(|line| line.starts_with(id)).unwrap().to_owned();
    assert!(line(&ours).contains(" ours"), "{}", list.stdout);
    for other in [&theirs, &unused] {
        assert!(line(other).contains("not ours, 1 shard, 0 enabled"), "{}", list.stdout);
    }

    let refused = [
        run(&["conduits", "delete", &ours, "--yes"]).await,
        run(&["conduits", "delete", "no-such-conduit", "--yes"]).await,
        // Nobody is there to answer the question.
        run(&["conduits", "delete", &unused]).await,
    ];
    for refused in &refused {
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("chatpulse: "), "{refused:?}");
    }
    assert!(refused[2].stdout.contains("Delete it"), "{:?}", refused[2]);
    assert_eq!(sim.conduits().len(), 3);

    let deleted = run(&["conduits", "delete", &unused, "--yes"]).await;
    assert_eq!(deleted.code, Some(0), "{}", deleted.stderr);
    let mut left = ids(&sim);
    left.sort();
    let mut expected = [ours, theirs];
    expected.sort();
    assert_eq!(left, expected);
    server.stop().await;
}
