//! Sends every message, frame and response that Twitch is known to send through the running server.
//!
//! Two sources: our own fixtures in `tests/fixtures`, each with its expected result, and the samples in
//! `crates/chatpulse-twitch/tests/data`, which that folder's README describes. Missing data fails a test.

mod answers;
mod fixtures;
mod signatures;
mod socket;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::metrics::Metrics;
use crate::support::server::Server;
use crate::support::streamer::{Form, Streamer};
use crate::support::world::World;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/chatpulse-twitch/tests/data");

#[track_caller]
fn read_bytes(path: &Path) -> Vec<u8> {
    fs::read(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}; restore it from git", path.display()))
}

#[track_caller]
fn read_text(path: &Path) -> String {
    String::from_utf8(read_bytes(path)).unwrap()
}

#[track_caller]
fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&read_bytes(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Where a file of the samples is.
fn sample(file: &str) -> PathBuf {
    Path::new(DATA).join("samples").join(file)
}

fn index() -> Vec<Value> {
    read_json(&sample("index.json")).as_array().unwrap().clone()
}

/// The samples whose kind begins with `kind`, as path and index entry. None at all is a mistake in the test.
#[track_caller]
fn samples_of_kind(kind: &str) -> Vec<(PathBuf, Value)> {
    let found: Vec<_> = index()
        .into_iter()
        .filter(|entry| entry["kind"].as_str().unwrap().starts_with(kind))
        .map(|entry| (sample(entry["file"].as_str().unwrap()), entry))
        .collect();
    assert!(!found.is_empty(), "the index lists no sample of the kind {kind:?}");
    found
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// A streamer whose triggers include those that the samples use.
async fn with_triggers(world: &World) -> Streamer {
    let mut streamer = world.log_in().await;
    let form = Form::default().and("for_trigger", "PogChamp").and("for_trigger", "votes yes");
    // The samples were made for the rule without its second look.
    streamer.save(&form.set("matching", "exact")).await;
    streamer
}

/// The label values of votes and notifications that rose since `before`, and their new counts.
async fn risen(server: &Server, before: &Metrics) -> BTreeMap<String, f64> {
    let after = Metrics::of(server).await;
    let mut risen = BTreeMap::new();
    for series in after.series() {
        let counted = ["vote_processing_total", "eventsub_notifications_total"].contains(&series.name);
        if counted && series.value > before.value(series.name, &series.labels) {
            risen.insert(series.labels[0].1.to_owned(), series.value);
        }
    }
    risen
}

#[test]
fn every_sample_is_json_and_in_the_index() {
    let listed: BTreeSet<String> =
        index().iter().map(|entry| entry["file"].as_str().unwrap().to_owned()).collect();
    let present: BTreeSet<String> = fs::read_dir(sample("."))
        .unwrap()
        .map(|entry| file_name(&entry.unwrap().path()))
        .filter(|name| name != "index.json")
        .collect();
    assert_eq!(listed, present);
    for name in present {
        read_json(&sample(&name));
    }
}
