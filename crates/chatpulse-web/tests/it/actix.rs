//! What actix-http leaves unbounded, so that `src/server/connection.rs` has to bound it.
//!
//! A test here that fails is good news: actix-http has learnt to do it, and that part of `connection.rs` can go.
//! `docs/adr/0016-the-http-edge.md` says which part belongs to which test.

use std::convert::Infallible;
use std::time::Duration;

use actix_http::{HttpService, Request, Response, StatusCode};
use actix_service::{Service as _, ServiceFactory as _, fn_service};
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Longer than every time that actix-http is given.
const LONG: Duration = Duration::from_hours(1);

/// The other end of one connection to actix-http alone, which has every bound that it knows.
async fn connect() -> DuplexStream {
    let (client, server) = duplex(512 * 1024);
    let http = HttpService::build()
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(Duration::from_secs(1))
        .keep_alive(KEEP_ALIVE)
        .h1(fn_service(answer));
    let http = http.new_service(()).await.unwrap();
    spawn_local(async move { http.call((server, None)).await });
    client
}

/// Reads the whole body first, as our handlers do.
async fn answer(mut request: Request) -> Result<Response<&'static str>, Infallible> {
    let mut body = request.take_payload();
    while body.next().await.is_some() {}
    Ok(Response::with_body(StatusCode::OK, "fine"))
}

/// Everything until the end, or `None` if the connection stays open for [`LONG`].
async fn read_to_end(client: &mut DuplexStream) -> Option<String> {
    let mut text = String::new();
    timeout(LONG, client.read_to_string(&mut text)).await.ok()?.unwrap();
    Some(text)
}

/// One good request and its answer.
async fn exchange(client: &mut DuplexStream, request: &[u8]) {
    client.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"fine") {
        assert!(timeout(LONG, client.read_buf(&mut answer)).await.unwrap().unwrap() > 0, "the end");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}

/// actix-http spawns tasks on the current thread.
async fn local(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn actix_bounds_the_first_head_and_the_quiet_between_requests() {
    local(async {
        let mut client = connect().await;
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        assert!(read_to_end(&mut client).await.unwrap().starts_with("HTTP/1.1 408 "));

        let mut client = connect().await;
        exchange(&mut client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert_eq!(read_to_end(&mut client).await.unwrap(), "");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn actix_gives_the_second_head_of_a_connection_for_ever() {
    local(async {
        let mut client = connect().await;
        exchange(&mut client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        assert_eq!(read_to_end(&mut client).await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn actix_gives_a_head_that_begins_before_the_answer_the_keep_alive_time() {
    local(async {
        let mut client = connect().await;
        exchange(&mut client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /").await;
        assert_eq!(read_to_end(&mut client).await.unwrap(), "");

        // The same in two steps, while the first request is being answered.
        let mut client = connect().await;
        client.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        exchange(&mut client, b"xGET /").await;
        assert_eq!(read_to_end(&mut client).await.unwrap(), "");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn actix_gives_a_body_for_ever() {
    local(async {
        let mut client = connect().await;
        client.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc").await.unwrap();
        assert_eq!(read_to_end(&mut client).await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn actix_takes_a_head_of_60_kib() {
    local(async {
        let mut client = connect().await;
        let head = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "u".repeat(60 * 1024));
        exchange(&mut client, head.as_bytes()).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn actix_refuses_without_words() {
    let many = "A: b\r\n".repeat(97);
    local(async {
        for (head, status) in [
            ("GET / HTTP/9.9\r\nHost: x\r\n\r\n".to_owned(), "400"),
            (format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), "431"),
        ] {
            let mut client = connect().await;
            client.write_all(head.as_bytes()).await.unwrap();
            let answer = read_to_end(&mut client).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.ends_with("\r\n\r\n") && answer.contains("content-length: 0"), "{answer}");
        }
    })
    .await;
}
