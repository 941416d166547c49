//! Errors at the start: one line that says what to do, without the password.

use std::time::Duration;

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_pg::{OpenError, PgConfig, PgPool};
use chatpulse_testkit::servers::postgres::PostgresServer;
use tokio::net::TcpListener;

use crate::support::{config, everything_about, refused};

const SECRET: &str = "hunter2-of-production";

/// A server that closes each connection at once, and the count of connections.
async fn closing_server() -> (u16, tokio::sync::watch::Receiver<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (count, counted) = tokio::sync::watch::channel(0);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.send_modify(|count| *count += 1);
        }
    });
    (port, counted)
}

fn at(port: u16) -> PgConfig {
    config(&format!("postgres://ada:{SECRET}@127.0.0.1:{port}/pulse"))
}

fn is_one_clear_line(error: &OpenError, expected: &str) {
    let line = error.to_string();
    assert!(line.contains(expected) && !line.contains('\n'), "{line}");
    let everything = everything_about(error);
    assert!(!everything.contains(SECRET), "{everything}");
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let server = PostgresServer::start();
    let url = server.url("postgres");
    let with_another_password = url.replace("of-a-test", SECRET);
    let error = refused(config(&with_another_password)).await;
    assert!(matches!(error, OpenError::WrongPassword { .. }), "{error:?}");
    is_one_clear_line(&error, "refuses the password of user chatpulse");

    let without_password = url.replace(":of-a-test", "");
    let error = refused(config(&without_password)).await;
    assert!(matches!(error, OpenError::WrongPassword { .. }), "{error:?}");

    let error = refused(config(&server.url("nowhere"))).await;
    assert!(matches!(error, OpenError::NoDatabase { .. }), "{error:?}");
    is_one_clear_line(&error, "has no database nowhere: create it");
}

#[tokio::test]
async fn a_server_out_of_reach_is_tried_max_retries_times_more() {
    let (port, connections) = closing_server().await;
    let impatient = PgConfig { initial_backoff: Duration::from_millis(1), ..at(port) };
    let error = refused(PgConfig { max_retries: 3, ..impatient.clone() }).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    is_one_clear_line(&error, &format!("cannot reach PostgreSQL at 127.0.0.1:{port}"));
    assert_eq!(*connections.borrow(), 4, "the first try and three retries");
    refused(PgConfig { max_retries: 0, ..impatient }).await;
    assert_eq!(*connections.borrow(), 5);
}

/// With the runtime's clock paused, time passes only in pauses.
#[tokio::test(start_paused = true)]
async fn the_pause_doubles_with_each_retry() {
    // Nothing listens on the port, so each try fails at once.
    let port = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port() };
    let began = tokio::time::Instant::now();
    let patient = PgConfig { initial_backoff: Duration::from_secs(1), max_retries: 3, ..at(port) };
    refused(PgConfig { connect_timeout: Duration::from_hours(1), ..patient }).await;
    assert_eq!(began.elapsed().as_secs(), 1 + 2 + 4);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = at(listener.local_addr().unwrap().port());
    let hasty = PgConfig { connect_timeout: Duration::from_millis(100), max_retries: 0, ..silent };
    let error = refused(hasty).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_waits_for_a_server_that_starts_late() {
    let mut server = PostgresServer::start();
    server.stop();
    let listener = TcpListener::bind(("127.0.0.1", server.port())).await.unwrap();
    let patient = PgConfig { max_retries: 12, ..config(&server.url("postgres")) };
    let connecting = tokio::spawn(PgPool::connect(patient));
    // The first try fails when its connection is closed.
    drop(listener.accept().await.unwrap());
    drop(listener);
    server.restart();
    let pool = connecting.await.unwrap().unwrap();
    pool.migrate().await.unwrap();
    pool.check().await.unwrap();
}
