//! Overlay limits: number of sockets, connection rate, and which client behavior closes a socket.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio_tungstenite::tungstenite::Message;

use crate::support::eventually;
use crate::support::overlay::{Overlay, Told};
use crate::support::streamer::{Form, Streamer};
use crate::support::world::{OTHER, World};

fn socket(streamer: &Streamer) -> String {
    format!("/ws/overlay/{}", streamer.overlay)
}

#[tokio::test]
async fn one_session_takes_so_many_overlays() {
    let world = World::websocket_with(|setup| setup.set("BROADCASTER_MAX_CLIENTS_PER_SESSION", "2")).await;
    let streamer = world.log_in().await;
    let mut first = streamer.open_overlay(&world.server).await;
    let mut second = streamer.open_overlay(&world.server).await;
    assert_eq!((first.next_value().await, second.next_value().await), (0.0, 0.0));
    let mut third = streamer.open_overlay(&world.server).await;
    assert_eq!(third.wait_close().await.0, 4029);
    // Another streamer has places of the own.
    let other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    assert_eq!(other.open_overlay(&world.server).await.next_value().await, 0.0);
    // And a place is free again when one goes.
    first.close().await;
    eventually("a place is free", async || {
        let mut overlay = streamer.open_overlay(&world.server).await;
        matches!(overlay.next().await, Told::Value(_)).then_some(())
    })
    .await;
    let metrics = world.metrics().await;
    assert!(metrics.value("websocket_connections_rejected_total", &[("reason", "session_limit")]) >= 1.0);
}

#[tokio::test]
async fn one_address_opens_so_many_overlays() {
    let world = World::websocket_with(|setup| setup.set("MAX_CONNECTIONS_PER_IP", "2")).await;
    let streamer = world.log_in().await;
    let _open = [streamer.open_overlay(&world.server).await, streamer.open_overlay(&world.server).await];
    let refused = Overlay::try_open(&world.server, &socket(&streamer)).await;
    assert_eq!(refused.err(), Some(429));
    let metrics = world.metrics().await;
    assert_eq!(metrics.value("websocket_unique_ips", &[]), 1.0);
    assert_eq!(metrics.value("websocket_connections_current", &[]), 2.0);
    assert_eq!(metrics.value("websocket_connections_rejected_total", &[("reason", "ip_limit")]), 1.0);
}

#[tokio::test]
async fn one_instance_takes_so_many_overlays() {
    let world = World::websocket_with(|setup| setup.set("MAX_WEBSOCKET_CONNECTIONS", "1")).await;
    let streamer = world.log_in().await;
    let mut first = streamer.open_overlay(&world.server).await;
    first.next_value().await;
    let refused = Overlay::try_open(&world.server, &socket(&streamer)).await;
    assert_eq!(refused.err(), Some(503));
    first.close().await;
    let mut again = eventually("the place is free", async || {
        Overlay::try_open(&world.server, &socket(&streamer)).await.ok()
    })
    .await;
    assert_eq!(again.next_value().await, 0.0, "and the session lives");
}

#[tokio::test]
async fn one_address_connects_only_so_fast() {
    let world = World::websocket_with(|setup| {
        setup.set("CONNECTION_RATE_PER_IP", "1").set("CONNECTION_RATE_BURST", "3")
    })
    .await;
    let streamer = world.log_in().await;
    let attempts = join_all((0..6).map(|_| async {
        let path = socket(&streamer);
        Overlay::try_open(&world.server, &path).await
    }))
    .await;
    let refused: Vec<u16> = attempts.iter().filter_map(|attempt| attempt.as_ref().err()).copied().collect();
    assert!((2..=3).contains(&refused.len()), "{refused:?}");
    assert!(refused.iter().all(|status| *status == 429));
}

#[tokio::test]
async fn a_client_that_talks_too_much_is_closed() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let mut small = streamer.open_overlay(&world.server).await;
    small.next_value().await;
    small.send(Message::text("x".repeat(1_024))).await;
    small.send(Message::binary(vec![0; 1_024])).await;
    assert_eq!(small.next_within(Duration::from_millis(200)).await, None);

    for big in [Message::text("x".repeat(1_025)), Message::binary(vec![0; 4_000])] {
        let mut overlay = streamer.open_overlay(&world.server).await;
        overlay.next_value().await;
        overlay.send(big).await;
        assert_eq!(overlay.wait_close().await.0, 1009);
    }
    // The announcement is enough: nobody waits for what was announced.
    for size in [1_025_u64, 400_000_000, 1 << 40] {
        let mut overlay = streamer.open_overlay(&world.server).await;
        overlay.next_value().await;
        overlay.announce(size).await;
        assert_eq!(overlay.wait_close().await.0, 1009, "{size}");
    }
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    overlay.send_broken_text().await;
    assert_eq!(overlay.wait_close().await.0, 1007, "text that is no UTF-8");
    for frame in [Message::text("x"), Message::Ping(vec![1].into())] {
        let mut overlay = streamer.open_overlay(&world.server).await;
        overlay.next_value().await;
        for _ in 0..11 {
            overlay.send(frame.clone()).await;
        }
        assert_eq!(overlay.wait_close().await.0, 1008);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_as_slow() {
    let world = World::websocket_with(|setup| {
        setup.set("API_RATE_PER_MINUTE", "0").set("BROADCASTER_TICK_INTERVAL", "1ms")
    })
    .await;
    let mut streamer = world.log_in().await;
    let mut quick = streamer.open_overlay(&world.server).await;
    let mut slow = Overlay::open_with_small_buffer(&world.server, &socket(&streamer)).await;
    let saving = async {
        // Long labels fill what lies between us faster.
        for round in 0.. {
            let label = ["\u{1F40C}", "\u{1F422}"][round % 2].repeat(50);
            streamer.save(&Form::default().set("left_label", &label).set("right_label", &label)).await;
            let evicted = world.metrics().await.value("broadcaster_slow_clients_evicted_total", &[]);
            if evicted > 0.5 {
                return;
            }
        }
    };
    let watching = async { while let Told::Config(_) | Told::Value(_) = quick.next().await {} };
    tokio::select! {
        ended = tokio::time::timeout(Duration::from_mins(1), saving) => ended.expect("the slow one is noticed"),
        () = watching => panic!("a client that reads is left alone"),
    }
    assert_eq!(slow.wait_close().await.0, 4008);
}

/// A client that answered one ping and then fell silent gets no more time than one that never answered.
#[tokio::test]
async fn a_client_without_a_pong_for_a_minute_is_closed() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    overlay.next_value().await;
    let opened_at = Instant::now();
    // The library answers pings while it reads: so it reads past the first, and then writes nothing more.
    assert_eq!(overlay.next_within(Duration::from_secs(31)).await, None);
    let (code, _) = overlay.wait_close_without_a_word(Duration::from_secs(62)).await;
    assert_eq!(code, 1001);
    let took = opened_at.elapsed().as_secs();
    assert!((88..=92).contains(&took), "60 s after its only pong: {took} s");
    assert_eq!(world.metrics().await.value("websocket_idle_disconnects_total", &[]), 1.0);
}
