//! The limit of open files: raised at start, and never used up by connections.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::metrics::Metrics;
use crate::support::overlay::Overlay;
use crate::support::server::{Server, Setup};
use crate::support::world::World;

const FEW: &str = "ulimit -n 300";

/// Connects from one of the many addresses of the loopback interface.
async fn connect_from(server: &Server, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 1, last)), 0)).unwrap();
    socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, server.port))).await.unwrap()
}

/// Returns how many of these the server has closed.
async fn closed(streams: &mut [TcpStream]) -> usize {
    let ends = streams.iter_mut().map(async |stream| {
        let end = timeout(Duration::from_millis(200), stream.read(&mut [0; 64])).await;
        usize::from(matches!(end, Ok(Ok(0) | Err(_))))
    });
    join_all(ends).await.into_iter().sum()
}

#[tokio::test]
async fn the_soft_limit_is_raised_and_a_low_hard_limit_is_said() {
    let server = Server::start(Setup::minimal().after("ulimit -Sn 200; ulimit -Hn 4000")).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("4000"), "{line}");
    let log = server.log.text();
    assert!(log.contains("may open 4000 files") && log.contains("MAX_WEBSOCKET_CONNECTIONS=10000"), "{log}");
    server.stop().await;

    let enough = Setup::minimal().after("ulimit -n 4000").set("MAX_WEBSOCKET_CONNECTIONS", "1000");
    let server = Server::start(enough).await;
    assert!(!server.log.text().contains("files"), "{}", server.log.text());
    server.stop().await;
}

#[tokio::test]
async fn idle_connections_do_not_use_up_the_files() {
    let server = Server::start(Setup::minimal().after(FEW)).await;
    let mut idle = Vec::new();
    for place in 0..500 {
        idle.push(connect_from(&server, 1 + u8::try_from(place % 10).unwrap()).await);
    }
    let mut browser = Browser::at(&server);
    for path in ["/health/live", "/health/ready", "/health/serving", "/auth/login", "/metrics"] {
        browser.get(path).await.expect(200);
    }
    assert!(closed(&mut idle).await >= 250);
    assert!(
        Metrics::of(&server).await.value("http_connections_turned_away_total", &[("reason", "open_files")])
            > 0.0
    );
    assert!(server.log.text().contains("too many connections are open"), "{}", server.log.text());
}

#[tokio::test]
async fn overlays_leave_files_for_requests() {
    let world = World::websocket_with(|setup| {
        let setup =
            setup.after(FEW).set("MAX_CONNECTIONS_PER_IP", "1000").set("CONNECTION_RATE_BURST", "1000");
        setup.set("BROADCASTER_MAX_CLIENTS_PER_SESSION", "1000")
    })
    .await;
    let mut streamer = world.log_in().await;
    let path = format!("/ws/overlay/{}", streamer.overlay);
    let (mut open, mut refused) = (Vec::new(), 0);
    for _ in 0..350 {
        match Overlay::try_open(&world.server, &path).await {
            Ok(overlay) => open.push(overlay),
            Err(status) => {
                assert_eq!(status, 503);
                refused += 1;
            }
        }
    }
    assert!(open.len() > 100 && refused > 100, "{} open, {refused} refused", open.len());
    for path in ["/health/ready", "/dashboard", "/api/overlay-status"] {
        streamer.browser.get(path).await.expect(200);
    }
    streamer.chat_becomes("reading").await;
}

#[tokio::test]
async fn an_address_may_have_a_hundred_connections_that_never_asked() {
    let server = Server::start(Setup::minimal()).await;
    let mut idle = Vec::new();
    for _ in 0..150 {
        idle.push(connect_from(&server, 1).await);
    }
    eventually("the oldest are closed", async || (closed(&mut idle).await == 50).then_some(())).await;
    // They are accepted in about the order in which they connected.
    assert!(closed(&mut idle[..55]).await >= 45);
    // The address itself is not locked out.
    let mut asking = connect_from(&server, 1).await;
    asking.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    asking.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn a_trusted_proxy_may_have_more() {
    let server = Server::start(Setup::minimal().set("TRUSTED_PROXIES", "127.0.1.0/24")).await;
    let mut idle = Vec::new();
    for _ in 0..150 {
        idle.push(connect_from(&server, 1).await);
    }
    Browser::at(&server).get("/health/live").await.expect(200);
    assert_eq!(closed(&mut idle).await, 0);
}
