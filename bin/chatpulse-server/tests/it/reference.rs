//! The documents say what the code does: each list that can be checked cheaply is checked here.

use std::fs;
use std::path::{Path, PathBuf};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A file of the repository, by its path from the root.
fn path(from_root: &str) -> PathBuf {
    Path::new(REPOSITORY).join(from_root)
}

#[track_caller]
fn read(from_root: &str) -> String {
    fs::read_to_string(path(from_root)).unwrap_or_else(|error| panic!("cannot read {from_root}: {error}"))
}

/// The names of the files in a folder, sorted.
fn names_in(from_root: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path(from_root))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_decision_follows_the_template_and_is_in_the_index() {
    let index = read("docs/adr/README.md");
    let decisions: Vec<_> = names_in("docs/adr")
        .into_iter()
        .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    assert!(decisions.len() >= 11, "{decisions:?}");
    let rows = index.lines().filter(|line| line.starts_with("| [0")).count();
    assert_eq!(rows, decisions.len(), "the index has one row for each decision");
    for name in decisions {
        let text = read(&format!("docs/adr/{name}"));
        let (number, _) = name.split_once('-').unwrap();
        let title = format!("# {}. ", number.trim_start_matches('0'));
        assert!(text.starts_with(&title), "{name} does not begin with {title:?}");
        let date = text.lines().find_map(|line| line.strip_prefix("- Date: ")).unwrap_or_default();
        let day = date.split(',').next().unwrap_or_default();
        let is_a_day =
            day.len() == "2026-11-24".len() && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        assert!(is_a_day, "{name} has no date");
        let mut rest = text.as_str();
        for part in
            ["- Status: ", "- Date: ", "## Context\n", "## Decision\n", "## Rejected\n", "## Consequences\n"]
        {
            let at = rest.find(part).unwrap_or_else(|| panic!("{name} has no {part:?} in its place"));
            rest = &rest[at + part.len()..];
        }
        let row = index.lines().find(|line| line.starts_with(&format!("| [{number}]({name}) |")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in docs/adr/README.md"));
        assert!(row.ends_with(&format!("| {day} |")), "{row:?} does not say {day}");
    }
}
