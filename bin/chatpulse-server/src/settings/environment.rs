//! The variables of the process environment and of `.env`.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::dotenv::{self, LineProblem};
use super::env_file::{self, Unreadable};

/// Names and values. The process environment overrides the file.
#[derive(Default)]
pub(crate) struct Environment {
    process: HashMap<String, String>,
    file: HashMap<String, String>,
    /// Names of the process environment whose values are not UTF-8.
    pub(super) not_utf8: BTreeSet<String>,
    pub(super) file_problems: Vec<FileProblem>,
}

/// What is wrong with `.env`.
pub(super) enum FileProblem {
    Unreadable(Unreadable),
    Line(LineProblem),
}

/// A value, and whether it comes from the process environment.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    pub(super) is_of_process: bool,
}

impl Environment {
    /// Reads the process environment and the file `.env` in the current folder.
    pub(crate) fn of_process() -> Self {
        let mut environment = Self::default();
        match env_file::read(Path::new(".env")) {
            Ok(content) => environment.add_file(&content.unwrap_or_default()),
            Err(why) => environment.file_problems.push(FileProblem::Unreadable(why)),
        }
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.process.insert(name, value)),
                Err(_) => drop(environment.not_utf8.insert(name)),
            }
        }
        environment
    }

    /// Uses exactly these variables of the process environment.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let process = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { process, ..Self::default() }
    }

    /// Adds the content of a `.env`.
    pub(crate) fn add_file(&mut self, content: &[u8]) {
        let parsed = dotenv::parse(content);
        self.file.extend(parsed.values);
        self.file_problems.extend(parsed.problems.into_iter().map(FileProblem::Line));
    }

    /// Returns the value of the first of these names that is set. An empty value counts as unset, so one in the process
    /// environment leaves the file's.
    pub(super) fn find(&self, names: &[&str]) -> Option<Value<'_>> {
        [(&self.process, true), (&self.file, false)].into_iter().find_map(|(source, is_of_process)| {
            let mut texts = names.iter().filter_map(|name| source.get(*name)).map(|text| text.trim());
            texts.find(|text| !text.is_empty()).map(|text| Value { text, is_of_process })
        })
    }

    /// Returns every name that has a value, and whether it stands in the file only.
    pub(super) fn names(&self) -> BTreeSet<(&str, bool)> {
        let in_process = self.process.iter().map(|pair| (pair, false));
        let in_file =
            self.file.iter().filter(|(name, _)| !self.process.contains_key(*name)).map(|pair| (pair, true));
        let all = in_process.chain(in_file).filter(|((_, value), _)| !value.trim().is_empty());
        all.map(|((name, _), is_in_file)| (name.as_str(), is_in_file)).collect()
    }
}
