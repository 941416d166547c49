//! Rules across groups: production mode, and secrets that others can guess.

use std::collections::HashSet;

use super::catalogue::secrets;
use super::reader::Reader;

const EXAMPLE: &str = include_str!("../../../../.env.example");

/// Returns whether production rules apply. A malformed `APP_ENV` is reported and counts as production, so that a typo
/// cannot turn protection off.
pub(super) fn production(reader: &mut Reader<'_>) -> bool {
    let environment =
        reader.parse("APP_ENV", "development", "`development` or `production`", |text| match text {
            "production" => Some(true),
            "development" => Some(false),
            _ => None,
        });
    environment.unwrap_or(true)
}

/// Fewer different characters are a word or a pattern: 32 random hex digits have more, but for one in ten thousand.
const DIFFERENT_MIN: usize = 10;

/// Rejects secrets in production that others can guess: those of the public example file, and those of few characters.
pub(super) fn refuse_weak_secrets(reader: &mut Reader<'_>, production: bool) {
    if !production {
        return;
    }
    for name in secrets() {
        let Some(value) = reader.text(name) else { continue };
        let is_list = name.ends_with("KEYS_OLD");
        let mut parts = value.split(|c| is_list && c == ',').map(str::trim);
        if is_example(value) {
            reader.refuse_because(name, value, "it is the one in .env.example", "a secret of your own");
        } else if parts.any(|part| different(part) < DIFFERENT_MIN) {
            let expected = "random characters, such as those of `openssl rand -hex 32`";
            reader.refuse_because(name, value, "it has fewer than 10 different characters", expected);
        }
    }
}

fn different(text: &str) -> usize {
    text.chars().collect::<HashSet<_>>().len()
}

/// Returns whether a value, or one entry of a comma-separated list, is a secret from the example, for any variable.
/// Ignores case, because hex digits can be written in either case.
fn is_example(value: &str) -> bool {
    let shown =
        |part: &str| secrets().flat_map(examples_of).any(|example| example.eq_ignore_ascii_case(part));
    shown(value) || value.split(',').any(|part| shown(part.trim()))
}

/// Returns the values that the example contains for a variable, including commented-out lines (`#`).
fn examples_of(name: &str) -> impl Iterator<Item = &'static str> {
    EXAMPLE.lines().filter_map(move |line| {
        let (variable, value) = line.trim_start_matches('#').trim().split_once('=')?;
        (variable == name && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_found_in_a_list_in_another_case_and_under_another_name() {
        let key = "0123456789abcdef".repeat(4);
        assert!(is_example(&key) && is_example(&key.to_uppercase()));
        assert!(is_example(&format!("{}, {}", "0".repeat(64), key.to_uppercase())));
        assert!(is_example("Put-a-random-token-here"));
        assert!(!is_example("a secret of my own") && !is_example(""));
    }

    #[test]
    fn the_example_shows_every_secret_that_has_an_example() {
        for name in [
            "TWITCH_CLIENT_SECRET",
            "SESSION_SECRET",
            "WEBHOOK_SECRET",
            "TOKEN_ENCRYPTION_KEY",
            "METRICS_TOKEN",
        ] {
            assert_eq!(examples_of(name).count(), 1, "{name}");
        }
    }
}
