//! Checks that every test exists which the documents on security and on real cases name.

use std::fs;
use std::path::{Path, PathBuf};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Where a test is that the documents name: a file without a crate is beside this one.
fn path(file: &str) -> PathBuf {
    let folder = match file.split('/').next().unwrap_or_default() {
        "bin" | "crates" => "",
        name if name.starts_with("chatpulse-") => "crates",
        _ => "bin/chatpulse-server/tests/it",
    };
    Path::new(REPOSITORY).join(folder).join(file)
}

/// The code of a document that names a test: file and function.
fn tests_named_in(document: &str) -> Vec<(&str, &str)> {
    let code = document.split('`').skip(1).step_by(2);
    let tests = code.filter_map(|code| code.split_once(": "));
    tests.filter(|(file, _)| Path::new(file).extension().is_some_and(|end| end == "rs")).collect()
}

#[test]
fn every_test_that_shows_a_protection_exists() {
    let (mut checked, mut missing) = (0, Vec::new());
    for document in ["docs/security.md", "docs/security-asvs.md", "docs/real-chats.md"] {
        let text = fs::read_to_string(Path::new(REPOSITORY).join(document)).unwrap();
        // Code blocks would change which quotes open and which close.
        let text: String = text.split("```").step_by(2).collect();
        for (file, test) in tests_named_in(&text) {
            checked += 1;
            let code = fs::read_to_string(path(file)).unwrap_or_default();
            let is_there = code.contains(&format!("fn {test}(")) || code.contains(&format!("{{ {test} }}"));
            if !is_there {
                missing.push(format!("{document}: {file}: {test}"));
            }
        }
    }
    assert!(checked > 200, "only {checked} tests were found");
    assert!(missing.is_empty(), "these tests do not exist:\n{}", missing.join("\n"));
}
