//! A start that fails says in one line what to do, and never the password.

use std::time::Duration;

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_pg::{OpenError, PgConfig, PgPool};
use chatpulse_testkit::servers::postgres::PostgresServer;
use tokio::net::TcpListener;

use crate::support::{config, everything_about, refused};

const SECRET: &str = "hunter2-of-production";

/// Takes connections, ends each at once, and counts them.
async fn closed_doors() -> (u16, tokio::sync::watch::Receiver<u32>) {
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
async fn out_of_reach_is_tried_so_often_and_no_more() {
    let (port, tries) = closed_doors().await;
    let impatient = PgConfig { initial_backoff: Duration::from_millis(1), ..at(port) };
    let error = refused(PgConfig { max_retries: 3, ..impatient.clone() }).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    is_one_clear_line(&error, &format!("cannot reach PostgreSQL at 127.0.0.1:{port}"));
    assert_eq!(*tries.borrow(), 4, "the first, and three further ones");
    refused(PgConfig { max_retries: 0, ..impatient }).await;
    assert_eq!(*tries.borrow(), 5);
}

/// With time paused it passes exactly as far as somebody waits for it.
#[tokio::test(start_paused = true)]
async fn pauses_double() {
    // Nothing listens there: refused at once, so all the time that passes is pauses.
    let port = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port() };
    let began = tokio::time::Instant::now();
    let patient = PgConfig { initial_backoff: Duration::from_secs(1), max_retries: 3, ..at(port) };
    refused(PgConfig { connect_timeout: Duration::from_hours(1), ..patient }).await;
    assert_eq!(began.elapsed().as_secs(), 1 + 2 + 4);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = at(listener.local_addr().unwrap().port());
    let hasty = PgConfig { connect_timeout: Duration::from_millis(100), max_retries: 0, ..silent };
    let error = refused(hasty).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_up_late_is_waited_for() {
    let mut server = PostgresServer::start();
    server.stop();
    let door = TcpListener::bind(("127.0.0.1", server.port())).await.unwrap();
    let patient = PgConfig { max_retries: 12, ..config(&server.url("postgres")) };
    let connecting = tokio::spawn(PgPool::connect(patient));
    // The first try has failed when this is closed again.
    drop(door.accept().await.unwrap());
    drop(door);
    server.restart();
    let pool = connecting.await.unwrap().unwrap();
    pool.migrate().await.unwrap();
    pool.check().await.unwrap();
}
