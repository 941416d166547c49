//! Checks that files are short and that declared items are used.

use std::path::{Path, PathBuf};

use crate::architecture::{ARROWS, packages};

/// A longer file holds two subjects.
const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file of the repository below `folder` with one of these endings; nothing that is built.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            let is_ours = !["target", "node_modules", "screenshots", "axe"].contains(&name);
            if is_ours && !name.starts_with('.') {
                found.extend(files(&path, endings));
            }
        } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
            found.push(path);
        }
    }
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn no_file_is_longer_than_one_subject_needs() {
    let all = files(&root(), &["rs", "js", "css", "lua", "sql", "sh"]);
    assert!(all.len() > 300, "only {} files were found", all.len());
    let is_long = |path: &&PathBuf| read(path).lines().count() > LINES_MAX;
    let long: Vec<String> = all.iter().filter(is_long).map(|path| shown(path)).collect();
    assert!(long.is_empty(), "over {LINES_MAX} lines, split them by subject: {long:#?}");
}

/// Where the median is lower, tiny files that are one thought are apart: a reader opens too many.
#[test]
fn the_median_source_file_has_100_to_200_lines() {
    let mut lengths: Vec<usize> = ["crates", "bin"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap())
        .flat_map(|krate| files(&krate.unwrap().path().join("src"), &["rs"]))
        .map(|path| read(&path).lines().count())
        .collect();
    assert!(lengths.len() > 200, "only {} files were found", lengths.len());
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!((100..=200).contains(&median), "the median file has {median} lines");
}

#[test]
fn every_shared_version_is_used_by_a_crate() {
    let workspace = read(&root().join("Cargo.toml"));
    let table = workspace.split("[workspace.dependencies]").nth(1).unwrap();
    let table = table.split("\n[").next().unwrap();
    let names: Vec<&str> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .collect();
    assert!(names.len() > 30, "{names:?}");
    let packages = packages();
    let used: Vec<&str> = packages
        .iter()
        .flat_map(|package| package["dependencies"].as_array().unwrap())
        .map(|dependency| dependency["name"].as_str().unwrap())
        .collect();
    let unused: Vec<&&str> = names.iter().filter(|name| !used.contains(name)).collect();
    assert!(
        unused.is_empty(),
        "no crate uses these shared versions, remove them from Cargo.toml: {unused:?}"
    );
}

#[test]
fn every_dependency_of_a_crate_is_named_in_its_code() {
    let (mut checked, mut unused) = (0, Vec::new());
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
        let code: String = files(&folder, &["rs"]).iter().map(|path| read(path)).collect();
        for dependency in package["dependencies"].as_array().unwrap() {
            let needed = dependency["name"].as_str().unwrap();
            checked += 1;
            if !names(&code, &needed.replace('-', "_")) {
                unused.push(format!("{name} -> {needed}"));
            }
        }
    }
    assert!(checked > 100, "only {checked} dependencies were found");
    assert!(unused.is_empty(), "no code names these, remove them: {unused:#?}");
}

/// The code has this word, and not only as a part of another.
fn names(code: &str, word: &str) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    code.match_indices(word).any(|(at, _)| {
        let (before, after) = (code.as_bytes().get(at.wrapping_sub(1)), code.as_bytes().get(at + word.len()));
        !is_part(before) && !is_part(after)
    })
}

#[test]
fn every_arrow_of_the_layout_is_an_import() {
    let packages = packages();
    let mut gone = Vec::new();
    for (from, to) in ARROWS.iter().flat_map(|(from, all)| all.iter().map(move |to| (*from, *to))) {
        let package = packages.iter().find(|package| package["name"] == from);
        let imports = |package: &serde_json::Value| {
            package["dependencies"].as_array().unwrap().iter().any(|dependency| dependency["name"] == to)
        };
        if !package.is_some_and(imports) {
            gone.push(format!("{from} -> {to}"));
        }
    }
    assert!(gone.is_empty(), "drawn in architecture.rs and in no Cargo.toml: {gone:?}");
    let unknown: Vec<&str> = ARROWS
        .iter()
        .map(|(from, _)| *from)
        .filter(|from| !packages.iter().any(|package| package["name"] == *from))
        .collect();
    assert!(unknown.is_empty(), "drawn in architecture.rs and no crate: {unknown:?}");
}
