//! Checks which crates may depend on which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The picture of the layout: crate, and what it may import. A crate that is not here is an adapter: it may import the
/// domain and nothing else of ours.
pub(crate) const ARROWS: [(&str, &[&str]); 4] = [
    ("chatpulse-domain", &[]),
    ("chatpulse-web", &["chatpulse-broadcast", "chatpulse-domain", "chatpulse-engine"]),
    ("chatpulse-testkit", &["chatpulse-domain", "chatpulse-store-embedded"]),
    ("chatpulse-twitch-sim", &[]),
];

/// The binary plugs everything together, but takes nothing that only tests need.
const SERVER: &str = "chatpulse-server";
const NOT_IN_THE_SERVER: [&str; 1] = ["chatpulse-testkit"];

/// What tests of any crate may add.
const FOR_TESTS: [&str; 2] = ["chatpulse-testkit", "chatpulse-twitch-sim"];

pub(crate) fn packages() -> Vec<Value> {
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
    let drawn = ARROWS.iter().find(|(name, _)| *name == from);
    let drawn = drawn.map_or(to == "chatpulse-domain", |(_, may)| may.contains(&to));
    let of_the_server = from == SERVER && !NOT_IN_THE_SERVER.contains(&to);
    let of_tests = kind == Some("dev") && FOR_TESTS.contains(&to);
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
    const BARRED: [&str; 7] = ["tokio", "actix-web", "serde_json", "reqwest", "time", "metrics", "tracing"];
    let packages = packages();
    let domain = packages.iter().find(|package| package["name"] == "chatpulse-domain").unwrap();
    for dependency in domain["dependencies"].as_array().unwrap() {
        let name = dependency["name"].as_str().unwrap();
        assert!(dependency["kind"] == "dev" || !BARRED.contains(&name), "the domain imports {name}");
    }
}

/// A file that imports another one cannot be imported by it, also not through others: each can be read on its own.
#[test]
fn the_files_of_the_domain_import_each_other_in_one_direction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/chatpulse-domain/src");
    let files: BTreeMap<String, PathBuf> =
        rust_files(&root).into_iter().map(|file| (module_of(&file, &root), file)).collect();
    assert!(files.len() > 20 && files.contains_key("ports::votes"), "{:?}", files.keys());
    let mut imports: BTreeMap<&str, BTreeSet<&str>> =
        files.iter().map(|(module, file)| (module.as_str(), imports_of(module, file, &files))).collect();
    assert!(
        imports["live"].contains("tally") && imports["ports::votes"].contains("ports::error"),
        "{imports:?}"
    );
    // Remove the files that import nothing, then those that import nothing else, and so on: a cycle remains.
    while let Some(leaf) = imports.iter().find(|(_, imports)| imports.is_empty()).map(|(module, _)| *module) {
        imports.remove(leaf);
        for others in imports.values_mut() {
            others.remove(leaf);
        }
    }
    assert!(imports.is_empty(), "these import each other in a circle: {imports:?}");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.into_iter().chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}

/// `src/ports/votes.rs` is `ports::votes`.
fn module_of(file: &Path, root: &Path) -> String {
    let path = file.strip_prefix(root).unwrap().with_extension("");
    path.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("::")
}

/// The other modules that a file names outside its comments and tests.
fn imports_of<'a>(module: &str, file: &Path, files: &'a BTreeMap<String, PathBuf>) -> BTreeSet<&'a str> {
    let source = std::fs::read_to_string(file).unwrap();
    let product = source.split("#[cfg(test)]").next().unwrap();
    let parent = module.rsplit_once("::").map_or(String::new(), |(parent, _)| format!("{parent}::"));
    let code = product.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.map(|line| line.replace("super::", &format!("crate::{parent}")) + "\n").collect();
    let paths = code.split("crate::").skip(1);
    let modules = paths.map(|path| {
        let is_in =
            |known: &&String| path.strip_prefix(known.as_str()).is_some_and(|rest| rest.starts_with("::"));
        let longest = files.keys().filter(is_in).max_by_key(|known| known.len());
        longest
            .unwrap_or_else(|| panic!("{module} imports no file by crate::{}", path.lines().next().unwrap()))
    });
    modules.map(String::as_str).filter(|imported| *imported != module).collect()
}
