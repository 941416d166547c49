//! Migrations: new, newer and changed schemas, and several instances at once.

use chatpulse_domain::ports::health::HealthCheck;
use chatpulse_store_pg::{OpenError, PgPool};
use chatpulse_testkit::builders as build;
use chatpulse_testkit::servers::postgres::{Database, PostgresServer};

use crate::support::{accounts_on, config, migrated};

/// The folder of the migrations.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");

/// The number of migrations.
fn known() -> usize {
    std::fs::read_dir(FOLDER).unwrap().count()
}

async fn instances_migrate_at_once(count: usize) {
    let database = Database::fresh().await;
    let mut instances = Vec::new();
    for _ in 0..count {
        instances.push(PgPool::connect(config(&database.url())).await.unwrap());
    }
    let starting: Vec<_> = instances
        .into_iter()
        .map(|pool| {
            tokio::spawn(async move {
                let applied = pool.migrate().await.unwrap();
                pool.check().await.unwrap();
                applied
            })
        })
        .collect();
    let mut applied = Vec::new();
    for start in starting {
        applied.push(start.await.unwrap());
    }
    applied.sort_unstable();
    let mut expected = vec![0; count];
    expected[count - 1] = known();
    assert_eq!(applied, expected, "one instance applies all, the others wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_can_start_at_once() {
    for _ in 0..3 {
        instances_migrate_at_once(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_instances_can_start_at_once() {
    instances_migrate_at_once(5).await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let database = Database::fresh().await;
    let pool = migrated(&database).await;
    let by_hand = database.connect().await;
    let later = "INSERT INTO refinery_schema_history VALUES (900, 'later', '2030-01-01T00:00:00Z', '1')";
    by_hand.batch_execute(later).await.unwrap();
    let error = pool.migrate().await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 900, .. }), "{error:?}");
    assert!(error.to_string().contains("made by a newer ChatPulse (schema 900"), "{error}");
    let check = PgPool::open_for_check(config(&database.url())).await;
    assert!(matches!(check, Err(OpenError::Newer { found: 900, .. })));
}

/// The history of another program, or a migration that was edited after its release.
#[tokio::test]
async fn a_history_that_is_not_ours_is_refused() {
    let database = Database::fresh().await;
    let pool = migrated(&database).await;
    let by_hand = database.connect().await;
    let edited = "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1";
    by_hand.batch_execute(edited).await.unwrap();
    let error = pool.migrate().await.unwrap_err();
    assert!(matches!(error, OpenError::Migration { .. }), "{error:?}");
}

#[tokio::test]
async fn a_user_who_may_not_create_tables_is_told_so() {
    let server = PostgresServer::start();
    let database = server.database().await;
    let by_hand = database.connect().await;
    by_hand.batch_execute("CREATE ROLE guest LOGIN PASSWORD 'of-a-guest'").await.unwrap();
    let as_guest = database.url().replace("chatpulse:of-a-test", "guest:of-a-guest");
    let pool = PgPool::connect(config(&as_guest)).await.unwrap();
    let error = pool.migrate().await.unwrap_err();
    assert!(matches!(error, OpenError::MayNotMigrate { .. }), "{error:?}");
    assert!(error.to_string().contains("user guest may not create tables"), "{error}");
}

#[tokio::test]
async fn a_check_counts_missing_migrations_and_applies_none() {
    let database = Database::fresh().await;
    let check = PgPool::open_for_check(config(&database.url())).await.unwrap();
    assert_eq!(check.migrations_pending, known());
    let by_hand = database.connect().await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let count: i64 = by_hand.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(count, 0);

    let server = accounts_on(&migrated(&database).await);
    let ada = server.streamers.sign_in(&build::profile("Ada"), &build::sealed()).await.unwrap();
    let check = PgPool::open_for_check(config(&database.url())).await.unwrap();
    assert_eq!(check.migrations_pending, 0);
    let seen = accounts_on(&check.pool);
    assert_eq!(seen.streamers.first().await.unwrap(), Some(ada.clone()));
    assert!(seen.streamers.rotate_overlay(ada.id).await.is_err());
    assert!(check.pool.migrate().await.is_err());
}
