use super::*;

pub(super) const MINIMUM: [(&str, &str); 3] = [
    ("TWITCH_CLIENT_ID", "id"),
    ("TWITCH_CLIENT_SECRET", "very-secret"),
    ("TWITCH_REDIRECT_URI", "http://localhost:8080/auth/callback"),
];

pub(super) const PRODUCTION: [(&str, &str); 8] = [
    ("APP_ENV", "production"),
    ("ALLOW_EMBEDDED", "true"),
    ("PUBLIC_URL", "https://pulse.example"),
    ("TWITCH_CLIENT_ID", "id"),
    ("TWITCH_CLIENT_SECRET", "very-secret"),
    ("TWITCH_REDIRECT_URI", "https://pulse.example/auth/callback"),
    ("SESSION_SECRET", "a session secret of more than 32 bytes"),
    ("TOKEN_ENCRYPTION_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
];

pub(super) fn with(
    base: &[(&'static str, &'static str)],
    more: &[(&'static str, &'static str)],
) -> Environment {
    Environment::of(&[base, more].concat())
}

pub(super) fn report(base: &[(&'static str, &'static str)], more: &[(&'static str, &'static str)]) -> String {
    match Settings::read(&with(base, more)) {
        Ok(_) => "no problem".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn the_minimum_is_enough_in_development() {
    let settings = Settings::read(&with(&MINIMUM, &[])).unwrap();
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8080");
    assert!(settings.stores.database.is_sqlite());
}

#[test]
fn production_is_satisfied_with_what_it_asks_for() {
    assert_eq!(report(&PRODUCTION, &[]), "no problem");
    let settings = Settings::read(&with(&PRODUCTION, &[])).unwrap();
    assert_eq!(settings.http.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(settings.log.format, LogFormat::Json);
}

#[test]
fn an_empty_value_counts_as_unset() {
    assert_eq!(report(&MINIMUM, &[("PORT", ""), ("BOT_USER_ID", " ")]), "no problem");
    assert!(report(&MINIMUM, &[("TWITCH_CLIENT_ID", "")]).contains("TWITCH_CLIENT_ID"));
}

#[test]
fn all_problems_are_reported_together_and_no_secret_is_shown() {
    let report = report(
        &[],
        &[
            ("PORT", "eighty"),
            ("WEBHOOK_SECRET", "tooshort!"),
            ("TOKEN_ENCRYPTION_KEY", "not-hex-at-all"),
            ("SESSION_MAX_AGE", "a week"),
            ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ],
    );
    for name in [
        "PORT",
        "WEBHOOK_SECRET",
        "WEBHOOK_CALLBACK_URL",
        "TOKEN_ENCRYPTION_KEY",
        "SESSION_MAX_AGE",
        "TRUSTED_PROXIES",
        "TWITCH_CLIENT_ID",
        "TWITCH_CLIENT_SECRET",
        "TWITCH_REDIRECT_URI",
        "BOT_USER_ID",
    ] {
        assert!(report.contains(&format!("  {name}\n")), "{name} is missing in:\n{report}");
    }
    assert!(!report.contains("tooshort!") && !report.contains("not-hex-at-all"), "{report}");
    assert!(report.contains("`eighty`"));
}

#[test]
fn each_of_these_is_refused_in_production() {
    for (change, name) in [
        (("PUBLIC_URL", "http://pulse.example"), "PUBLIC_URL"),
        (("PUBLIC_URL", ""), "PUBLIC_URL"),
        (("TWITCH_REDIRECT_URI", "http://pulse.example/auth/callback"), "TWITCH_REDIRECT_URI"),
        (("SESSION_SECRET", "short"), "SESSION_SECRET"),
        (("SESSION_SECRET", ""), "SESSION_SECRET"),
        (("SESSION_SECRET", "put-32-or-more-random-bytes-here"), "SESSION_SECRET"),
        (("TOKEN_ENCRYPTION_KEY", ""), "TOKEN_ENCRYPTION_KEY"),
        (
            ("TOKEN_ENCRYPTION_KEY", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
            "TOKEN_ENCRYPTION_KEY",
        ),
        (("TWITCH_CLIENT_SECRET", "put-your-client-secret-here"), "TWITCH_CLIENT_SECRET"),
        (("ALLOW_EMBEDDED", "false"), "DATABASE_URL"),
        (("DATABASE_URL", "postgres://db.example/cp?sslmode=disable"), "DATABASE_URL"),
        (("REDIS_URL", "redis://cache.example"), "REDIS_URL"),
        (("WEBHOOK_CALLBACK_URL", "http://pulse.example/webhooks/eventsub"), "WEBHOOK_CALLBACK_URL"),
        (("APP_ENV", "prod"), "APP_ENV"),
    ] {
        let report = report(&PRODUCTION, &[change]);
        assert!(report.contains(&format!("  {name}\n")), "{change:?} gave:\n{report}");
    }
}

#[test]
fn redis_without_tls_is_said_unless_it_is_on_this_machine_or_insisted_on() {
    let without_tls =
        |more: &[(&'static str, &'static str)]| report(&PRODUCTION, more).contains("Redis without TLS");
    assert!(without_tls(&[("REDIS_URL", "redis://cache.example")]));
    assert!(!without_tls(&[("REDIS_URL", "rediss://cache.example")]));
    assert!(!without_tls(&[("REDIS_URL", "redis://127.0.0.1:6379")]));
    assert!(!without_tls(&[("REDIS_URL", "redis://cache.example"), ("ALLOW_INSECURE_DATABASE", "true")]));
}

#[test]
fn sqlite_with_redis_is_refused() {
    assert!(report(&MINIMUM, &[("REDIS_URL", "redis://127.0.0.1")]).contains("REDIS_URL"));
}

#[test]
fn webhooks_need_callback_secret_and_bot() {
    let group = [
        ("WEBHOOK_CALLBACK_URL", "https://pulse.example/webhooks/eventsub"),
        ("WEBHOOK_SECRET", "ten-chars-or-more"),
        ("BOT_USER_ID", "123"),
    ];
    assert_eq!(report(&MINIMUM, &group), "no problem");
    for missing in 0..group.len() {
        let rest: Vec<_> =
            group.iter().enumerate().filter(|(place, _)| *place != missing).map(|(_, pair)| *pair).collect();
        assert!(report(&MINIMUM, &rest).contains(group[missing].0), "without {}", group[missing].0);
    }
    assert!(report(&MINIMUM, &[("EVENTSUB_TRANSPORT", "webhook")]).contains("EVENTSUB_TRANSPORT"));
    assert!(report(&MINIMUM, &[("EVENTSUB_TRANSPORT", "pigeon")]).contains("EVENTSUB_TRANSPORT"));
}

#[test]
fn the_example_file_starts_a_server_as_it_is() {
    let lines: Vec<(String, String)> =
        dotenvy::from_read_iter(include_str!("../../../../.env.example").as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
    let pairs: Vec<(&str, &str)> =
        lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert!(Settings::read(&Environment::of(&pairs)).is_ok());
}

#[test]
fn the_example_file_explains_every_variable_with_its_default() {
    let example = include_str!("../../../../.env.example");
    let uncommented: String = example
        .lines()
        .map(|line| {
            line.strip_prefix('#').filter(|rest| rest.contains('=') && !rest.starts_with(' ')).unwrap_or(line)
        })
        .collect::<Vec<_>>()
        .join("\n");
    let sources = [
        include_str!("fleet.rs"),
        include_str!("http.rs"),
        include_str!("limits.rs"),
        include_str!("stores.rs"),
        include_str!("twitch.rs"),
        include_str!("rules.rs"),
        include_str!("../settings.rs"),
    ];
    let mut names: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.split('"').skip(1).step_by(2))
        .filter(|text| {
            text.len() > 3
                && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
                && (text.contains('_') || ["HOST", "PORT"].contains(text))
        })
        .collect();
    names.extend(["HOST", "PORT"]);
    for name in names {
        assert!(
            uncommented.lines().any(|line| line.starts_with(&format!("{name}="))),
            "{name} is not in .env.example"
        );
    }
}

#[test]
fn a_fleet_needs_its_bot_and_its_session_secret() {
    let fleet =
        [("DATABASE_URL", "postgres://pulse@db.example/pulse"), ("REDIS_URL", "redis://cache.example")];
    let missing = report(&MINIMUM, &fleet);
    assert!(missing.contains("BOT_USER_ID") && missing.contains("SESSION_SECRET"), "{missing}");
    let all =
        [fleet.as_slice(), &[("BOT_USER_ID", "123"), ("SESSION_SECRET", "any secret of ours")]].concat();
    assert_eq!(report(&MINIMUM, &all), "no problem");
}

#[test]
fn a_database_address_is_never_shown_since_a_password_may_be_in_it() {
    let report =
        report(&MINIMUM, &[("DATABASE_URL", "mysql://ada:hunter2@db/x"), ("REDIS_URL", "http://:hunter2@x")]);
    assert!(
        report.contains("DATABASE_URL") && report.contains("REDIS_URL") && !report.contains("hunter2"),
        "{report}"
    );
}
