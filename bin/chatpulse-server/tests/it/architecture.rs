//! Who may import whom.

use std::process::Command;

use serde_json::Value;

/// The picture of the layout: crate, and what it may import. A crate that is not here may import nothing of ours.
const ARROWS: [(&str, &[&str]); 12] = [
    ("chatpulse-domain", &[]),
    ("chatpulse-engine", &["chatpulse-domain"]),
    ("chatpulse-broadcast", &["chatpulse-domain"]),
    ("chatpulse-store-embedded", &["chatpulse-domain"]),
    ("chatpulse-store-pg", &["chatpulse-domain"]),
    ("chatpulse-store-redis", &["chatpulse-domain"]),
    ("chatpulse-telemetry", &["chatpulse-domain"]),
    ("chatpulse-twitch", &["chatpulse-domain"]),
    ("chatpulse-web", &["chatpulse-broadcast", "chatpulse-domain", "chatpulse-engine"]),
    ("chatpulse-testkit", &["chatpulse-domain"]),
    ("chatpulse-twitch-sim", &[]),
    ("chatpulse-load", &["chatpulse-domain", "chatpulse-twitch-sim"]),
];

/// The binary plugs everything together, but takes nothing that only tests need.
const SERVER: &str = "chatpulse-server";
const NOT_IN_THE_SERVER: [&str; 2] = ["chatpulse-testkit", "chatpulse-load"];

/// What tests of any crate may add.
const FOR_TESTS: [&str; 2] = ["chatpulse-testkit", "chatpulse-twitch-sim"];

/// The one arrow between adapters, in tests alone: the rules in Lua run against the rules in Rust.
const AGREEMENT: (&str, &str) = ("chatpulse-store-redis", "chatpulse-store-embedded");

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn is_allowed(from: &str, to: &str, kind: Option<&str>) -> bool {
    let drawn = ARROWS.iter().find(|(name, _)| *name == from).is_some_and(|(_, may)| may.contains(&to));
    let of_the_server = from == SERVER && !NOT_IN_THE_SERVER.contains(&to);
    let of_tests = kind == Some("dev") && (FOR_TESTS.contains(&to) || (from, to) == AGREEMENT);
    drawn || of_the_server || of_tests
}

#[test]
fn every_import_is_an_arrow_of_the_layout() {
    let packages = packages();
    let ours: Vec<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    assert!(ours.contains(&"chatpulse-domain") && ours.contains(&SERVER), "{ours:?}");
    let mut checked = 0;
    let mut wrong = Vec::new();
    for package in &packages {
        let from = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            if !ours.contains(&to) {
                continue;
            }
            checked += 1;
            if !is_allowed(from, to, dependency["kind"].as_str()) {
                wrong.push(format!("{from} -> {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "not in the layout: {wrong:?}");
    assert!(checked > 10, "only {checked} imports were found");
}

#[test]
fn the_domain_has_no_runtime_no_clock_and_no_wire_format() {
    const BARRED: [&str; 8] =
        ["tokio", "actix-web", "serde", "serde_json", "reqwest", "time", "metrics", "tracing"];
    let packages = packages();
    let domain = packages.iter().find(|package| package["name"] == "chatpulse-domain").unwrap();
    for dependency in domain["dependencies"].as_array().unwrap() {
        let name = dependency["name"].as_str().unwrap();
        assert!(dependency["kind"] == "dev" || !BARRED.contains(&name), "the domain imports {name}");
    }
}
