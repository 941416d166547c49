use super::*;

pub(super) const MINIMUM: [(&str, &str); 3] = [
    ("TWITCH_CLIENT_ID", "id"),
    ("TWITCH_CLIENT_SECRET", "very-secret"),
    ("TWITCH_REDIRECT_URI", "http://localhost:8080/auth/callback"),
];

pub(super) const PRODUCTION: [(&str, &str); 10] = [
    ("APP_ENV", "production"),
    ("ALLOW_EMBEDDED", "true"),
    ("ALLOWED_STREAMERS", "your_channel"),
    ("PUBLIC_URL", "https://pulse.example"),
    ("TWITCH_CLIENT_ID", "id"),
    ("TWITCH_CLIENT_SECRET", "0a1b2c3d4e5f6g7h8i9j"),
    ("TWITCH_REDIRECT_URI", "https://pulse.example/auth/callback"),
    ("SESSION_SECRET", "a session secret of more than 32 bytes"),
    ("TOKEN_ENCRYPTION_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
    ("METRICS_TOKEN", "a token for operators"),
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
    assert_eq!(settings.shutdown.drain, Duration::from_secs(10));
}

#[test]
fn production_wants_metrics_behind_a_token_or_on_a_listener_of_their_own() {
    let bare = ("METRICS_TOKEN", "");
    assert!(report(&PRODUCTION, &[bare]).contains("  METRICS_TOKEN\n"));
    assert_eq!(report(&PRODUCTION, &[bare, ("METRICS_ADDR", "127.0.0.1:9090")]), "no problem");
    let settings = Settings::read(&with(&MINIMUM, &[])).unwrap();
    assert_eq!((settings.http.metrics_listen, settings.shutdown.drain), (None, Duration::ZERO));
}

#[test]
fn the_operators_listener_is_not_the_public_one() {
    for (host, own) in
        [("127.0.0.1", "127.0.0.1:80"), ("0.0.0.0", "127.0.0.1:80"), ("127.0.0.1", "0.0.0.0:80")]
    {
        let report = report(&MINIMUM, &[("HOST", host), ("PORT", "80"), ("METRICS_ADDR", own)]);
        assert!(report.contains("  METRICS_ADDR\n"), "{host} and {own} gave {report}");
    }
    for own in ["127.0.0.1:81", "127.0.0.2:80", ":9090", "localhost:9090", "[::1]:9090"] {
        let more = [("HOST", "127.0.0.1"), ("PORT", "80"), ("METRICS_ADDR", own)];
        assert_eq!(report(&MINIMUM, &more), "no problem", "{own}");
    }
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
        (("ALLOWED_STREAMERS", ""), "ALLOWED_STREAMERS"),
        (("APP_ENV", "prod"), "APP_ENV"),
        (("SESSION_SECRET", "abcabcabcabcabcabcabcabcabcabcabcabcabc"), "SESSION_SECRET"),
        (("TWITCH_CLIENT_SECRET", "very-secret"), "TWITCH_CLIENT_SECRET"),
        (
            ("TOKEN_ENCRYPTION_KEY", "0000000000000000000000000000000000000000000000000000000000000001"),
            "TOKEN_ENCRYPTION_KEY",
        ),
        (("METRICS_TOKEN", "let me in"), "METRICS_TOKEN"),
        (("WEBHOOK_SECRET", "hunter2hunter2"), "WEBHOOK_SECRET"),
        (("TWITCH_AUTH_URL", "http://id.example/oauth2"), "TWITCH_AUTH_URL"),
        (("TWITCH_API_URL", "http://10.0.0.1/helix"), "TWITCH_API_URL"),
        (("TWITCH_EVENTSUB_WS_URL", "ws://eventsub.example/ws"), "TWITCH_EVENTSUB_WS_URL"),
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
fn each_old_key_has_to_be_strong_by_itself() {
    let strong = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeefe";
    let weak = "11".repeat(32);
    let list: &'static str = format!("{strong}, {weak}").leak();
    let report = report(&PRODUCTION, &[("TOKEN_ENCRYPTION_KEYS_OLD", list)]);
    assert!(report.contains("TOKEN_ENCRYPTION_KEYS_OLD") && report.contains("10 different"), "{report}");
    assert!(!report.contains(&weak), "{report}");
}

#[test]
fn a_simulated_twitch_on_this_machine_needs_no_tls() {
    for host in ["127.0.0.1:9", "localhost:9", "[::1]:9"] {
        let api: &'static str = format!("http://{host}/helix").leak();
        let socket: &'static str = format!("ws://{host}/ws").leak();
        assert_eq!(
            report(&PRODUCTION, &[("TWITCH_API_URL", api), ("TWITCH_EVENTSUB_WS_URL", socket)]),
            "no problem"
        );
    }
    assert!(report(&MINIMUM, &[("TWITCH_API_URL", "http://api.example/helix?x")]).contains("TWITCH_API_URL"));
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

const EXAMPLE: &str = include_str!("../../../../.env.example");

#[test]
fn the_example_file_starts_a_server_as_it_is() {
    let mut environment = Environment::default();
    environment.add_file(EXAMPLE.as_bytes());
    assert!(Settings::read(&environment).is_ok());
}

/// Whoever adds a variable adds a line to the catalogue, and whoever removes one removes the line: [`Reader`] refuses to
/// read a variable without a line, and this test finds a line that nobody reads.
#[test]
fn every_variable_of_the_catalogue_is_read_and_in_the_example_file() {
    let example: Vec<&str> = EXAMPLE
        .lines()
        .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('=').map(|(name, _)| name))
        .collect();
    for (name, _) in catalogue::VARIABLES {
        assert!(example.contains(name), "{name} is not in .env.example");
        // A value in quotes is a problem of each variable, but only if it is read.
        let report = report(&MINIMUM, &[(name, "\"x\"")]);
        assert!(
            report.contains(&format!("  {name}\n    found     a value that is wrapped")),
            "{name}: {report}"
        );
    }
}

#[test]
fn quotes_around_a_value_of_the_process_environment_are_a_problem() {
    for value in ["\"8081\"", "'8081'", "\"\"", "' '"] {
        let report = report(&MINIMUM, &[("PORT", value)]);
        assert!(report.contains("1 problem") && report.contains("  PORT\n"), "{value}: {report}");
    }
    assert_eq!(report(&MINIMUM, &[("METRICS_TOKEN", "it's \"mine\" \"")]), "no problem");
    let mut environment = with(&MINIMUM, &[]);
    environment.add_file(b"PORT='8081'\nHOST=\"127.0.0.1\"\nMETRICS_TOKEN='\"x\"'");
    let settings = Settings::read(&environment).unwrap();
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8081");
    assert_eq!(settings.http.metrics_token.unwrap().expose(), "\"x\"");
}

#[test]
fn problems_come_in_the_format_of_the_log() {
    let problems =
        |pairs: &[(&'static str, &'static str)]| Settings::read(&with(&MINIMUM, pairs)).err().unwrap();
    let json = problems(&[("LOG_FORMAT", "json"), ("PORT", "eighty"), ("HOST", "nowhere")]).report();
    assert_eq!(json.lines().count(), 2, "{json}");
    for line in json.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert!(line["message"].as_str().unwrap().contains(line["variable"].as_str().unwrap()), "{line}");
    }
    assert!(problems(&[("APP_ENV", "production")]).report().starts_with('{'), "the default there");
    for text in [("APP_ENV", "prod"), ("LOG_FORMAT", "xml")] {
        assert!(problems(&[text]).report().starts_with("chatpulse: the configuration has"));
    }
}

#[test]
fn misspelt_names_are_warnings_and_not_problems() {
    let settings = Settings::read(&with(&MINIMUM, &[("REDIS_URI", "redis://x"), ("PORT0", "x")])).unwrap();
    assert_eq!(settings.warnings, ["nobody reads the variable REDIS_URI; REDIS_URL is probably meant"]);
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

/// Each password is put into every place of a URL where people put one.
#[test]
fn no_part_of_a_password_is_shown_however_badly_its_url_is_formed() {
    let parts = ["Hunter2", "Tr0ub4dor"];
    for between in
        ["@", "/", "#", "?", "%", " ", ":", "&", "=", "%4", "@@", "[", "]", "\\", "//", "?x=", "&x=", "%40"]
    {
        let password = parts.join(between);
        for form in [
            "postgres://u:PW@127.0.0.1:1/x",
            "postgres://u:PW@127.0.0.1:port/x",
            "postgres://u:PW/x",
            "postgres://:PW",
            "postgres:u:PW@h/x",
            "postgres:/u:PW@h/x",
            "PW://u@h/x",
            "u:PW@h/x",
            "PW",
            "postgres://h/x?password=PW",
            "postgres://h/x?sslmode=PW&colour=blue",
            "postgres://h/x?sslmode=maybe&password=PW",
            "mysql://u:PW@h/x",
            "redis://:PW@h:1/x",
            "redis://PW",
            "redis://h/PW",
            "redis-cluster://:PW@h:1?node=PW",
            "https://u:PW@h/x",
        ] {
            let value = form.replace("PW", &password).leak();
            for name in [
                "DATABASE_URL",
                "REDIS_URL",
                "PUBLIC_URL",
                "TWITCH_REDIRECT_URI",
                "WEBHOOK_CALLBACK_URL",
                "TWITCH_API_URL",
                "HOST",
                "LOG_LEVEL",
            ] {
                // A bare password in a variable that holds no URL is not known to be one.
                if form == "PW" && !["DATABASE_URL", "REDIS_URL"].contains(&name) {
                    continue;
                }
                let report = report(&MINIMUM, &[(name, value)]);
                for part in parts {
                    assert!(!report.contains(part), "{name}={value}\n{report}");
                }
            }
        }
    }
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
