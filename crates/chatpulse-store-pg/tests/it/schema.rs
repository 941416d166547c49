//! Checks the SQL files against the schema of a real server.

use std::fs;
use std::path::{Path, PathBuf};

use chatpulse_store_pg::QUERIES;
use chatpulse_testkit::servers::postgres::Database;

use crate::support::migrated;

/// The folder of queries about the history of migrations, and of trials. All other queries have an operation.
const SCHEMA_FOLDER: &str = "schema";

fn sql_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(sql_files(&path)) } else { found.push(path) }
    }
    found
}

/// The contracts run each query: `metrics.rs` checks that they use every name in [`QUERIES`].
#[tokio::test]
async fn every_query_file_matches_the_schema_and_has_an_operation() {
    let database = Database::fresh().await;
    migrated(&database).await;
    let by_hand = database.connect().await;
    let files = sql_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("queries"));
    for file in &files {
        let sql = fs::read_to_string(file).unwrap();
        let prepared = by_hand.prepare(&sql).await;
        assert!(prepared.is_ok(), "{}: {prepared:?}", file.display());
    }
    let is_about_schema = |file: &&PathBuf| file.parent().unwrap().ends_with(SCHEMA_FOLDER);
    let named = files.len() - files.iter().filter(is_about_schema).count();
    assert_eq!(named, QUERIES.len(), "each file has an operation, and each operation a file");
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
