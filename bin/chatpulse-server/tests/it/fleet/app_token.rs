//! All instances share one app token, also across restarts.

use chatpulse_twitch_sim::{Endpoint, Sim};

use crate::support::SOON;
use crate::support::fleet::Fleet;
use crate::support::server::Server;

async fn connected(server: &mut Server) {
    assert!(server.log.says("connected to Twitch conduit.id").await);
}

fn asked(sim: &Sim) -> u64 {
    sim.calls(Endpoint::Token)
}

#[tokio::test]
async fn instances_and_starts_share_the_applications_token() {
    let mut fleet = Fleet::without_instances(0, |setup| setup).await.by_socket();
    fleet.add_instances(1).await;
    connected(&mut fleet.instances[0]).await;
    assert_eq!(asked(&fleet.sim), 1);
    fleet.add_instances(2).await;
    for instance in &mut fleet.instances[1..] {
        connected(instance).await;
    }
    assert_eq!(asked(&fleet.sim), 1, "the others found it");
    for instance in std::mem::take(&mut fleet.instances) {
        instance.stop().await;
    }
    fleet.add_instances(1).await;
    connected(&mut fleet.instances[0]).await;
    assert_eq!(asked(&fleet.sim), 1, "and so does the next start");

    // Once Twitch refuses it, whoever notices first gets another for all.
    fleet.sim.expire_app_tokens();
    fleet.sim.close_sockets(4000);
    let again = |sim: &Sim| sim.app_tokens() == 1 && sim.conduits()[0].shards[0].transport.is_some();
    assert!(fleet.sim.wait_until(SOON, again).await);
    connected(&mut fleet.instances[0]).await;
    fleet.add_instances(1).await;
    connected(&mut fleet.instances[1]).await;
    assert_eq!((asked(&fleet.sim), fleet.sim.app_tokens()), (2, 1));
}

#[tokio::test]
async fn of_tokens_that_were_fetched_at_once_one_is_everybodys() {
    let mut fleet = Fleet::without_instances(0, |setup| setup).await.by_socket();
    fleet.sim.set_latency(std::time::Duration::from_millis(500));
    fleet.instances = futures_util::future::join_all((0..3).map(|_| fleet.start_one())).await;
    for instance in &mut fleet.instances {
        connected(instance).await;
    }
    fleet.sim.set_latency(std::time::Duration::ZERO);
    let before = asked(&fleet.sim);
    assert!((1..=3).contains(&before));
    fleet.add_instances(1).await;
    connected(&mut fleet.instances[3]).await;
    assert_eq!(asked(&fleet.sim), before);
}

/// Rotating the key costs no further token, and what the new key cannot open is simply replaced.
#[tokio::test]
async fn a_token_outlives_a_change_of_keys_and_one_that_cannot_be_opened_is_replaced() {
    const KEYS: [&str; 3] = [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
    ];
    let fleet = Fleet::without_instances(0, |setup| setup).await.by_socket();
    let starts = [(KEYS[0], None, 1), (KEYS[1], Some(KEYS[0]), 1), (KEYS[1], None, 1), (KEYS[2], None, 2)];
    for (key, old, expected) in starts {
        let with_keys = |setup: crate::support::server::Setup| {
            let setup = setup.set("TOKEN_ENCRYPTION_KEY", key);
            if let Some(old) = old { setup.set("TOKEN_ENCRYPTION_KEYS_OLD", old) } else { setup }
        };
        let mut server = fleet.start_one_with(with_keys).await;
        connected(&mut server).await;
        assert_eq!(asked(&fleet.sim), expected, "{key} {old:?}");
        server.stop().await;
    }
}
