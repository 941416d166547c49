//! Checks that the documents match the code, for each list that is cheap to check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use chatpulse_broadcast::frame::config;
use chatpulse_domain::overlay::{OverlaySettings, PauseState, SettingsVersion, VersionedSettings};
use chatpulse_store_redis::CHANNELS;

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

/// Every match of `open`…`close` in a text, without the two.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split_once(close).map(|(inside, _)| inside))
}

/// The first cells of a document's table rows, each without the code marks.
fn first_cells(document: &str) -> Vec<String> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    rows.map(|(cell, _)| cell.replace('`', "")).collect()
}

/// Whether a text looks like the name of an environment variable.
fn is_variable(text: &str) -> bool {
    text.len() > 3
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// The environment variables in the server's catalogue. It reads no other.
fn variables_of_the_code() -> BTreeSet<String> {
    let catalogue = read("bin/chatpulse-server/src/settings/catalogue.rs");
    between(&catalogue, "    (\"", "\", ").map(str::to_owned).collect()
}

#[test]
fn every_environment_variable_is_documented_and_no_other() {
    let read_by_the_code = variables_of_the_code();
    assert!(read_by_the_code.len() > 40, "only {read_by_the_code:?}");
    let page = read("docs/reference/environment.md");
    let documented: BTreeSet<String> =
        first_cells(&page).into_iter().filter(|cell| is_variable(cell)).collect();
    assert_eq!(
        documented, read_by_the_code,
        "docs/reference/environment.md on the left, the code on the right"
    );
    let example = read(".env.example");
    let shown: BTreeSet<String> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name.to_owned())
        .filter(|name| is_variable(name))
        .collect();
    assert_eq!(shown, read_by_the_code, ".env.example on the left, the code on the right");
}

#[test]
fn every_route_is_documented_and_no_other() {
    let source = read("crates/chatpulse-web/src/routes.rs");
    let routes: BTreeSet<String> = source
        .lines()
        .filter_map(|line| {
            let path = between(line, "resource(\"", "\")").next()?;
            let method = if line.contains("route(post()") { "POST" } else { "GET" };
            Some(format!("{method} {path}"))
        })
        .collect();
    assert!(routes.len() > 20, "only {routes:?}");
    let page = read("docs/reference/http-routes.md");
    let is_route = |cell: &String| cell.starts_with("GET /") || cell.starts_with("POST /");
    let documented: BTreeSet<String> = first_cells(&page).into_iter().filter(is_route).collect();
    assert_eq!(documented, routes, "docs/reference/http-routes.md on the left, the code on the right");
}

#[test]
fn every_close_code_is_documented() {
    let source = read("crates/chatpulse-web/src/overlay/socket.rs");
    let page = first_cells(&read("docs/reference/overlay-socket.md"));
    let own: Vec<&str> = between(&source, "CloseCode::Other(", ")").collect();
    assert!(own.contains(&"4001") && own.len() >= 3, "{own:?}");
    for code in own {
        assert!(page.iter().any(|cell| cell == code), "close code {code} is not in overlay-socket.md");
    }
}

#[test]
fn every_key_of_the_settings_frame_is_documented() {
    let stored = VersionedSettings {
        settings: OverlaySettings::default(),
        pause_state: PauseState::default(),
        version: SettingsVersion(1),
    };
    let cells: Vec<String> = ["docs/reference/settings.md", "docs/reference/overlay-socket.md"]
        .iter()
        .flat_map(|page| first_cells(&read(page)))
        .collect();
    let documented: BTreeSet<&str> = cells.iter().flat_map(|cell| cell.split(", ")).collect();
    for key in config(&stored).as_object().unwrap().keys() {
        assert!(documented.contains(key.as_str()), "{key} is in neither settings.md nor overlay-socket.md");
    }
}

/// The table says the defaults as JSON, or as bare text.
#[test]
fn every_default_of_the_settings_is_documented() {
    let page = read("docs/reference/settings.md");
    let defaults = serde_json::to_value(OverlaySettings::default()).unwrap();
    for (key, default) in defaults.as_object().unwrap() {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{key}` |")));
        let row = row.unwrap_or_else(|| panic!("{key} is not in docs/reference/settings.md"));
        let cell = row.split('|').nth(3).unwrap().trim().trim_matches('`');
        let text = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        assert_eq!(
            cell, text,
            "default of {key} in docs/reference/settings.md on the left, in the code on the right"
        );
    }
}

#[test]
fn every_function_of_redis_is_documented_and_no_other() {
    let sources: Vec<String> = names_in("lua").iter().map(|name| read(&format!("lua/{name}"))).collect();
    let registered = ["\nreading('", "\nwriting('"];
    let functions: BTreeSet<String> = sources
        .iter()
        .flat_map(|source| registered.into_iter().flat_map(|call| between(source, call, "'")))
        .map(str::to_owned)
        .collect();
    assert!(functions.len() > 20, "only {functions:?}");
    let page = first_cells(&read("docs/reference/redis.md"));
    let documented: BTreeSet<String> =
        page.into_iter().filter(|cell| cell.starts_with("chatpulse_")).collect();
    assert_eq!(documented, functions, "docs/reference/redis.md on the left, lua/ on the right");
}

#[test]
fn every_channel_of_redis_is_documented_and_no_other() {
    let page = read("docs/reference/redis.md");
    let list = between(&page, "## Channels\n", "\nThe text").next().unwrap();
    let documented: BTreeSet<String> =
        first_cells(list).into_iter().filter(|cell| cell.contains(':')).collect();
    let channels: BTreeSet<String> = CHANNELS.into_iter().map(str::to_owned).collect();
    assert_eq!(documented, channels, "docs/reference/redis.md on the left, the code on the right");
}

/// The tables that one database's migrations create.
fn tables_of(database: &str) -> BTreeSet<String> {
    let folder = format!("migrations/{database}");
    let migrations = names_in(&folder).into_iter().map(|name| read(&format!("{folder}/{name}")));
    migrations
        .flat_map(|sql| between(&sql, "CREATE TABLE ", " (").map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_table_is_documented_and_the_same_in_both_databases() {
    let tables = tables_of("postgres");
    assert_eq!(tables, tables_of("sqlite"), "PostgreSQL on the left, SQLite on the right");
    assert!(tables.contains("users"), "{tables:?}");
    let page = read("docs/reference/database.md");
    let list = between(&page, "## Tables\n", "\n## ").next().unwrap();
    let documented: BTreeSet<String> = list
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(table, _)| table.to_owned())
        .collect();
    assert_eq!(documented, tables, "docs/reference/database.md on the left, migrations/ on the right");
}

/// Every file of the repository's own folders, by its path from the root.
fn files() -> Vec<String> {
    let mut files = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned()];
    let mut folders: Vec<String> =
        FOLDERS.iter().map(|folder| folder.trim_end_matches('/').to_owned()).collect();
    while let Some(folder) = folders.pop() {
        for name in names_in(&folder) {
            let inside = format!("{folder}/{name}");
            if path(&inside).is_dir() { folders.push(inside) } else { files.push(inside) }
        }
    }
    files
}

const FOLDERS: [&str; 6] = ["bin/", "crates/", "docs/", "lua/", "migrations/", "scripts/"];

/// Parts of paths that are only an example.
const EXAMPLES: [&str; 3] = ["kick", "name.rs", "mod.rs"];

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

/// Whether the document's code names something that is not there: a path from the root, or the end of a Rust file's path.
fn is_missing(code: &str, files: &[String]) -> bool {
    if code.contains([' ', '<', '*', '{', '…']) || EXAMPLES.iter().any(|example| code.contains(example)) {
        return false;
    }
    if FOLDERS.iter().any(|folder| code.starts_with(folder)) {
        return !path(code).exists();
    }
    has_extension(code, "rs") && !files.iter().any(|file| file.ends_with(&format!("/{code}")))
}

#[test]
fn every_path_in_the_documents_exists() {
    let files = files();
    let documents: Vec<&String> = files.iter().filter(|file| has_extension(file, "md")).collect();
    assert!(documents.len() > 30, "only {documents:?}");
    let mut missing = Vec::new();
    for document in documents {
        let text = read(document);
        let prose = text.split("```").step_by(2);
        let code = prose.flat_map(|part| part.split('`').skip(1).step_by(2));
        missing
            .extend(code.filter(|code| is_missing(code, &files)).map(|code| format!("{document}: {code}")));
        let folder = path(document).parent().unwrap().to_owned();
        for link in between(&text, "](", ")").filter(|link| !link.starts_with("http")) {
            let file = link.split('#').next().unwrap();
            if !folder.join(file).exists() {
                missing.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(missing.is_empty(), "these do not exist:\n{}", missing.join("\n"));
}

#[test]
fn every_name_in_the_glossary_is_where_it_says() {
    let glossary = read("docs/glossary.md");
    let mut checked = 0;
    for entry in glossary.split("` in `").collect::<Vec<_>>().windows(2) {
        let name = entry[0].rsplit('`').next().unwrap();
        let file = entry[1].split('`').next().unwrap();
        assert!(read(file).contains(name), "{file} does not have {name}");
        checked += 1;
    }
    assert!(checked > 15, "only {checked} names were found");
}
