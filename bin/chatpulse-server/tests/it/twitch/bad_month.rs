//! A month of Twitch failures in a minute or two: restarts, reconnects, rejected shards, expired tokens, a new key, a
//! bot that was disconnected, a conduit that was deleted, bursts of 429 and 503. The state at the end equals that at
//! the start.

use std::time::Duration;

use chatpulse_twitch_sim::{ChatLine, Chatter, Endpoint, Fault, Sim, SimConfig, SimUser, Status};

use super::live;
use crate::support::overlay::Overlay;
use crate::support::server::{Server, Setup};
use crate::support::streamer::{SCOPES, Streamer, connect_bot};
use crate::support::world::{BOT, OTHER, STREAMER, Way, by_both_ways, setup_for, sim_config, unhurried};
use crate::support::{metrics::Metrics, within};

by_both_ways! { after_a_bad_month_everybody_is_read_once }

const STREAMERS: [&str; 4] = [STREAMER, OTHER, "4400044", "4400045"];
const DAYS: usize = 30;

/// For whatever was refused or closed to be tried again, with its backoff.
const PATIENCE: Duration = Duration::from_secs(45);

struct Month {
    way: Way,
    sim: Sim,
    setup: Setup,
    streamers: Vec<Streamer>,
    /// Lines that were typed and arrived.
    lines: u32,
    /// Votes that servers of earlier days counted.
    counted: f64,
}

/// A server, and the overlays that are open at it.
struct Day {
    server: Server,
    _overlays: Vec<Overlay>,
}

async fn after_a_bad_month_everybody_is_read_once(way: Way) {
    let mut config = sim_config();
    config
        .users
        .extend(STREAMERS[2..].iter().map(|id| SimUser::new(*id, format!("user{id}"), format!("User{id}"))));
    let sim = Sim::start(SimConfig { keepalive_secs: 2, ..config }).await.unwrap();
    sim.grant(BOT, &["user:read:chat", "user:bot"]);
    let setup = unhurried(setup_for(&sim)).set("BOT_USER_ID", BOT).set("TOKEN_ENCRYPTION_KEY", key(0));
    let mut month = Month { way, sim, setup, streamers: Vec::new(), lines: 0, counted: 0.0 };
    for day in 0..DAYS {
        month.before(day);
        let mut today = month.open(day).await;
        month.everybody_is_read().await;
        month.during(day, &mut today).await;
        month.everybody_is_read().await;
        month.everybody_types().await;
        month.close(today).await;
    }

    let today = month.open(DAYS).await;
    month.everybody_is_read().await;
    month.everybody_types().await;
    month.nothing_is_left_over();
    month.close(today).await;
    assert_eq!(month.counted, f64::from(month.lines), "every line was a vote, and none was two");
}

fn key(number: usize) -> String {
    format!("{number:02x}").repeat(32)
}

impl Month {
    /// While the server is down.
    fn before(&mut self, day: usize) {
        let sim = &self.sim;
        if day % 3 == 2 {
            let refused = r#"{"data":[],"errors":[{"id":"0","message":"The websocket session is not connected.","code":"invalid_parameter"}]}"#;
            sim.fail_next(Endpoint::UpdateShards, &Fault::status(202).body(refused), 1);
        }
        if day % 5 == 1 {
            sim.fail_next(Endpoint::GetSubscriptions, &Fault::status(503), 1);
            sim.fail_next(Endpoint::CreateSubscription, &Fault::status(503), 2);
            let limited = Fault::status(429).header("Ratelimit-Remaining", "641");
            sim.fail_next(Endpoint::CreateSubscription, &limited, 2);
        }
        match day {
            6 | 18 => sim.expire_app_tokens(),
            8 | 9 => sim.expire_user_tokens(),
            12 => {
                let setup = self.setup.clone();
                self.setup =
                    setup.set("TOKEN_ENCRYPTION_KEY", key(1)).set("TOKEN_ENCRYPTION_KEYS_OLD", key(0));
            }
            14 => self.setup = self.setup.clone().set("TOKEN_ENCRYPTION_KEYS_OLD", ""),
            20 => sim.delete_conduit(&sim.conduits()[0].id),
            _ => {}
        }
    }

    /// While people type.
    async fn during(&mut self, day: usize, today: &mut Day) {
        if self.way == Way::Socket && !day.is_multiple_of(3) {
            let opened = self.sim.calls(Endpoint::Socket);
            assert_eq!(self.sim.force_reconnect(), 1);
            let over = |sim: &Sim| sim.calls(Endpoint::Socket) > opened && sim.open_sockets() == 1;
            assert!(self.sim.wait_until(PATIENCE, over).await);
        }
        if day % 4 == 3 {
            let ids = live(&self.sim);
            let why =
                if day % 8 == 3 { Status::NotificationFailuresExceeded } else { Status::VersionRemoved };
            assert!(self.sim.revoke_subscription(&ids[0], why).await);
        }
        if day == 16 {
            self.sim.expire_app_tokens();
            if self.way == Way::Socket {
                self.sim.close_sockets(4000);
            }
        }
        if day == 24 {
            self.bot_is_disconnected_and_agrees_again(&today.server).await;
        }
    }

    async fn bot_is_disconnected_and_agrees_again(&mut self, server: &Server) {
        self.sim.disconnect_user(BOT).await;
        for streamer in &mut self.streamers {
            streamer.chat_becomes("not_authorized").await;
        }
        assert!(live(&self.sim).is_empty());
        self.streamers[0].browser = self.streamers[0].browser.clone().moved_to(server);
        connect_bot(&mut self.streamers[0].browser, &self.sim, BOT).await.expect(200);
    }

    async fn open(&mut self, day: usize) -> Day {
        let server = self.way.start(self.setup.clone()).await;
        for (place, id) in STREAMERS.into_iter().enumerate() {
            if day == 0 {
                self.streamers.push(Streamer::log_in(&server, &self.sim, id).await);
            } else {
                // Logged in since the first day.
                let browser = self.streamers[place].browser.clone().moved_to(&server);
                self.streamers[place] = Streamer::at_dashboard(browser).await;
            }
            self.sim.grant(id, &SCOPES);
        }
        self.setup = server.setup().clone();
        let mut overlays = Vec::new();
        for streamer in &self.streamers {
            overlays.push(streamer.open_overlay(&server).await);
        }
        Day { server, _overlays: overlays }
    }

    async fn everybody_is_read(&mut self) {
        for (id, streamer) in STREAMERS.into_iter().zip(&mut self.streamers) {
            within(PATIENCE, &format!("the chat of {id} is read"), async || {
                (streamer.status().await["chat"] == "reading").then_some(())
            })
            .await;
            assert!(self.sim.wait_until_subscribed(id, PATIENCE).await);
        }
        let once_each = |sim: &Sim| live(sim).len() == STREAMERS.len();
        assert!(self.sim.wait_until(PATIENCE, once_each).await, "{:?}", self.sim.chat_subscriptions());
    }

    /// Each line is delivered twice, as after a lost answer.
    async fn everybody_types(&mut self) {
        self.sim.duplicate_deliveries(1);
        for id in STREAMERS {
            let chatter = Chatter::named(format!("V{}", self.lines));
            let said = self.sim.say(ChatLine::new(id, chatter, "yes")).await;
            assert_eq!(said.deliveries, 2);
            self.lines += 1;
        }
        self.sim.duplicate_deliveries(0);
    }

    async fn close(&mut self, today: Day) {
        let expected = f64::from(self.lines) - self.counted;
        within(PATIENCE, "every line is counted", async || {
            let metrics = Metrics::of(&today.server).await;
            let of = |result| metrics.value("vote_processing_total", &[("result", result)]);
            (of("applied") >= expected && of("duplicate") >= expected).then_some(())
        })
        .await;
        let metrics = Metrics::of(&today.server).await;
        self.counted += metrics.value("vote_processing_total", &[("result", "applied")]);
        assert!(today.server.stop().await.0.success());
    }

    fn nothing_is_left_over(&self) {
        let conduits = self.sim.conduits();
        assert_eq!(conduits.len(), 1);
        assert_eq!(conduits[0].shards.len(), 1);
        let all = self.sim.subscriptions();
        let live: Vec<&str> =
            all.iter().filter(|one| one.status == Status::Enabled).map(|one| one.kind.as_str()).collect();
        let count = |kind| live.iter().filter(|found| **found == kind).count();
        assert_eq!(count("channel.chat.message"), STREAMERS.len());
        assert_eq!(count("user.authorization.revoke"), 1);
        assert_eq!(count("conduit.shard.disabled"), 1);
        assert_eq!(live.len(), STREAMERS.len() + 2);
    }
}
