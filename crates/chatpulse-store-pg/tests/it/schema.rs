//! The SQL on disk against the schema on a real server.

use std::fs;
use std::path::{Path, PathBuf};

use chatpulse_store_pg::QUERIES;
use chatpulse_testkit::servers::postgres::Database;

use crate::support::migrated;

/// About the history of migrations; all others are queries with a name.
const OF_THE_SCHEMA: &str = "schema";

fn sql_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(sql_files(&path)) } else { found.push(path) }
    }
    found
}

/// That each of them runs, the contracts show: `metrics.rs` sees every name in [`QUERIES`] there.
#[tokio::test]
async fn every_query_on_disk_fits_the_schema_and_has_a_name() {
    let database = Database::fresh().await;
    migrated(&database).await;
    let by_hand = database.connect().await;
    let files = sql_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("queries"));
    for file in &files {
        let sql = fs::read_to_string(file).unwrap();
        let prepared = by_hand.prepare(&sql).await;
        assert!(prepared.is_ok(), "{}: {prepared:?}", file.display());
    }
    let of_the_schema = |file: &&PathBuf| file.parent().unwrap().ends_with(OF_THE_SCHEMA);
    let named = files.len() - files.iter().filter(of_the_schema).count();
    assert_eq!(named, QUERIES.len(), "a query for each file, and a file for each query");
}

#[tokio::test]
async fn every_time_has_a_time_zone() {
    let database = Database::fresh().await;
    migrated(&database).await;
    let by_hand = database.connect().await;
    let times = "SELECT table_name || '.' || column_name, data_type FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name <> 'refinery_schema_history' \
                 AND (data_type LIKE 'timestamp%' OR data_type IN ('date', 'time without time zone'))";
    let rows = by_hand.query(times, &[]).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let (column, found): (String, String) = (row.get(0), row.get(1));
        assert_eq!(found, "timestamp with time zone", "{column}");
    }
}
