//! Stands in for `fleet.rs` in a build without the feature `fleet`: PostgreSQL and Redis are problems of the
//! configuration. Their settings are types without a value, so that no code for them is left.

use std::sync::Arc;

use super::pool::Pool;
use super::reader::Reader;
use crate::tls::Roots;

const LEFT_OUT: &str = "this build leaves it out (it was built with `--no-default-features`)";
const EXPECTED: &str = "a build with PostgreSQL and Redis: `cargo build --release`";

pub(crate) enum PgSettings {}

impl PgSettings {
    pub(crate) fn connections_max(&self) -> usize {
        match *self {}
    }
}

pub(crate) enum RedisSettings {}

pub(super) enum PgUrl {}

impl PgUrl {
    pub(super) fn read(reader: &mut Reader<'_>, text: &str, _: &Arc<Roots>) -> Option<Self> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let expected = format!("`sqlite://PATH`, or {EXPECTED}");
            reader.refuse_because("DATABASE_URL", text, LEFT_OUT, expected);
        } else {
            reader.refuse("DATABASE_URL", text, "`sqlite://PATH`");
        }
        None
    }

    pub(super) fn complete(self, _: &mut Reader<'_>, _: Option<&Pool>, _: bool) -> Option<PgSettings> {
        match self {}
    }
}

#[expect(clippy::option_option, reason = "wrong, not set, and set are three things")]
pub(super) fn read_redis(reader: &mut Reader<'_>, _: bool, _: &Arc<Roots>) -> Option<Option<RedisSettings>> {
    let Some(text) = reader.text("REDIS_URL") else { return Some(None) };
    let expected = format!("no REDIS_URL, or {EXPECTED}");
    reader.refuse_because("REDIS_URL", text, LEFT_OUT, expected);
    None
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::{MINIMUM, PRODUCTION, report};

    #[test]
    fn postgresql_and_redis_are_problems_that_say_how_to_build_them() {
        for base in [&MINIMUM[..], &PRODUCTION[..]] {
            let fleet =
                [("DATABASE_URL", "postgres://ada:hunter2@db/x"), ("REDIS_URL", "redis://:hunter2@cache")];
            let report = report(base, &fleet);
            for variable in
                ["  DATABASE_URL\n    found     a `postgres://`", "  REDIS_URL\n    found     a `redis://`"]
            {
                assert!(report.contains(variable), "{report}");
            }
            assert_eq!(report.matches("`cargo build --release`").count(), 2, "{report}");
            assert!(report.contains("2 problems") && !report.contains("hunter2"), "{report}");
        }
    }

    #[test]
    fn a_solo_needs_nothing_else() {
        assert_eq!(report(&MINIMUM, &[("DATABASE_URL", "sqlite://pulse.db")]), "no problem");
        let report = report(&MINIMUM, &[("DATABASE_URL", "mysql://ada:hunter2@db/x")]);
        assert!(report.contains("expected  `sqlite://PATH`\n") && !report.contains("hunter2"), "{report}");
    }
}
