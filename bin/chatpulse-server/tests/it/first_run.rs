//! The first start, and configuration errors before it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::Value;

use crate::support::server::{Finished, Server, Setup, free_port};
use crate::support::streamer::{ACCESS, REFRESH, Streamer, gives_known_tokens};
use crate::support::world::{STREAMER, World};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn production() -> Setup {
    Setup::minimal()
        .set("TWITCH_CLIENT_SECRET", "0a1b2c3d4e5f6g7h8i9j")
        .set("APP_ENV", "production")
        .set("HOST", "127.0.0.1")
        .set("ALLOW_EMBEDDED", "true")
        .set("PUBLIC_URL", "https://pulse.example")
        .set("TWITCH_REDIRECT_URI", "https://pulse.example/auth/callback")
        .set("SESSION_SECRET", "a session secret of more than 32 bytes")
        .set("TOKEN_ENCRYPTION_KEY", KEY)
        .set("METRICS_ADDR", "127.0.0.1:0")
        .set("SHUTDOWN_DRAIN", "0s")
        .set("ALLOWED_STREAMERS", "your_channel")
}

/// Refused as a matter of configuration: before a port is opened, with the variable's name, without a change.
async fn is_refused(setup: Setup, name: &str) -> String {
    // The port is taken: whoever tries to open it says so and exits with 1.
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let setup = if name == "PORT" { setup } else { setup.set("PORT", port.to_string()) };
    let Finished { code, stdout, stderr } = setup.run().await;
    assert_eq!(code, Some(2), "{name}: {stderr}");
    let is_named = [format!("  {name}\n"), format!("\"variable\":\"{name}\"")];
    assert!(is_named.iter().any(|text| stderr.contains(text)), "{name} is not named: {stderr}");
    assert_eq!(stdout, "");
    let left: Vec<_> = fs::read_dir(setup.folder()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    stderr
}

#[tokio::test]
async fn each_mistake_in_the_configuration_is_named() {
    let mistakes = [
        ("TWITCH_CLIENT_ID", ""),
        ("TWITCH_CLIENT_SECRET", " "),
        ("TWITCH_REDIRECT_URI", ""),
        ("TWITCH_REDIRECT_URI", "not an address"),
        ("APP_ENV", "prod"),
        ("HOST", "nowhere"),
        ("PORT", "65536"),
        ("PUBLIC_URL", "pulse.example"),
        ("DATABASE_URL", "mysql://x"),
        ("REDIS_URL", "redis://127.0.0.1"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("BOT_USER_ID", "not a number!"),
        ("BOT_USER_ID", "my_bot"),
        ("PUBLIC_URL", "https://pulse.example/?q=1"),
        ("ALLOWED_STREAMERS", "ada; bob"),
        ("ALLOWED_STREAMERS", "*, ada"),
        ("EVENTSUB_TRANSPORT", "pigeon"),
        ("EVENTSUB_TRANSPORT", "webhook"),
        ("TOKEN_ENCRYPTION_KEYS_OLD", "00ff"),
        ("DB_MIN_CONNS", "-1"),
        ("DB_MAX_CONNS", "0"),
        ("DB_CONNECT_TIMEOUT", "5"),
        ("MAX_WEBSOCKET_CONNECTIONS", "many"),
        ("CONNECTION_RATE_PER_IP", "-1"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("AUTH_RATE_PER_MINUTE", "1.5"),
        ("VOTE_RATE_LIMIT_CAPACITY", "-1"),
        ("BROADCASTER_TICK_INTERVAL", "0ms"),
        ("CLEANUP_INTERVAL", "30"),
        ("SESSION_MAX_AGE", "a week"),
        ("SHUTDOWN_TIMEOUT", "1d"),
        ("SHUTDOWN_DRAIN", "10"),
        ("METRICS_ADDR", "9090"),
        ("METRICS_TOKEN", "geheim ü geheim"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("TWITCH_API_URL", "ftp://twitch"),
        ("TWITCH_EVENTSUB_WS_URL", "http://twitch"),
    ];
    for (name, value) in mistakes {
        let report = is_refused(Setup::minimal().set(name, value), name).await;
        // A misspelt APP_ENV counts as production, and an unknown database as one that wants a secret.
        let wants_more = ["APP_ENV", "DATABASE_URL"].contains(&name);
        assert!(wants_more || report.contains("has 1 problem;"), "{name}={value}: {report}");
    }
}

#[tokio::test]
async fn each_of_these_is_refused_in_production() {
    let mistakes = [
        ("PUBLIC_URL", "http://pulse.example", "PUBLIC_URL"),
        ("PUBLIC_URL", "", "PUBLIC_URL"),
        ("TWITCH_REDIRECT_URI", "http://pulse.example/auth/callback", "TWITCH_REDIRECT_URI"),
        ("SESSION_SECRET", "31 bytes are not enough, one le", "SESSION_SECRET"),
        ("SESSION_SECRET", "", "SESSION_SECRET"),
        ("SESSION_SECRET", "put-32-or-more-random-bytes-here", "SESSION_SECRET"),
        ("TOKEN_ENCRYPTION_KEY", "", "TOKEN_ENCRYPTION_KEY"),
        (
            "TOKEN_ENCRYPTION_KEY",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "TOKEN_ENCRYPTION_KEY",
        ),
        (
            "TOKEN_ENCRYPTION_KEYS_OLD",
            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeefe,\
             0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
            "TOKEN_ENCRYPTION_KEYS_OLD",
        ),
        ("TWITCH_CLIENT_SECRET", "put-your-client-secret-here", "TWITCH_CLIENT_SECRET"),
        ("SESSION_SECRET", "PUT-32-OR-MORE-RANDOM-BYTES-HERE", "SESSION_SECRET"),
        ("METRICS_TOKEN", "put-a-random-token-here", "METRICS_TOKEN"),
        ("METRICS_ADDR", "", "METRICS_TOKEN"),
        ("ALLOW_EMBEDDED", "", "DATABASE_URL"),
        ("ALLOWED_STREAMERS", "", "ALLOWED_STREAMERS"),
        ("DATABASE_URL", "postgres://db.example/cp?sslmode=disable", "DATABASE_URL"),
        ("DATABASE_URL", "postgres:///cp?hostaddr=203.0.113.7&sslmode=disable", "DATABASE_URL"),
        ("DATABASE_URL", "postgres://localhost/cp?hostaddr=203.0.113.7&sslmode=disable", "DATABASE_URL"),
        ("REDIS_URL", "redis://cache.example", "REDIS_URL"),
        ("REDIS_URL", "redis-cluster://127.0.0.1:7000?node=10.0.0.5:7000", "REDIS_URL"),
    ];
    for (name, value, named) in mistakes {
        let report = is_refused(production().set(name, value), named).await;
        if name.contains("SECRET") || name.contains("KEY") || name.contains("TOKEN") {
            assert!(value.is_empty() || !report.contains(value), "{report}");
        }
    }
    let server = Server::start(production()).await;
    assert!(server.log.text().lines().all(|line| line.starts_with('{')), "JSON is the default");
    server.stop().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_no_secret_with_it() {
    let setup = Setup::bare()
        .set("LOG_FORMAT", "xml")
        .set("SESSION_MAX_AGE", "a week")
        .set("WEBHOOK_SECRET", "tooshort!")
        .set("TOKEN_ENCRYPTION_KEY", "these-are-not-hex-digits")
        .set("WEBHOOK_SECRET_OLD", "geheim ü geheim");
    let report = is_refused(setup, "TWITCH_CLIENT_ID").await;
    for name in [
        "LOG_FORMAT",
        "SESSION_MAX_AGE",
        "WEBHOOK_SECRET",
        "WEBHOOK_CALLBACK_URL",
        "WEBHOOK_SECRET_OLD",
        "TOKEN_ENCRYPTION_KEY",
        "TWITCH_CLIENT_SECRET",
        "TWITCH_REDIRECT_URI",
        "BOT_USER_ID",
    ] {
        assert!(report.contains(&format!("  {name}\n")), "{name}: {report}");
    }
    for secret in ["tooshort!", "these-are-not-hex-digits", "geheim"] {
        assert!(!report.contains(secret), "{report}");
    }
}

#[tokio::test]
async fn a_line_of_the_env_file_that_cannot_be_read_is_said_without_its_value() {
    let setup = Setup::minimal();
    fs::write(setup.folder().join(".env"), "METRICS_TOKEN=very secret words\n").unwrap();
    let Finished { code, stderr, .. } = setup.run().await;
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains(".env") && !stderr.contains("secret words"), "{stderr}");
}

#[tokio::test]
async fn the_example_file_starts_a_server_as_it_is() {
    let setup = Setup::bare()
        .set("TWITCH_AUTH_URL", "http://127.0.0.1:9/oauth2")
        .set("TWITCH_API_URL", "http://127.0.0.1:9/helix")
        .set("TWITCH_EVENTSUB_WS_URL", "ws://127.0.0.1:9/ws");
    fs::copy(workspace().join(".env.example"), setup.folder().join(".env")).unwrap();
    let server = Server::start(setup).await;
    let ready = server.http.get(server.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), 200);
}

/// The root of the checkout.
fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[tokio::test]
async fn the_environment_stands_over_the_env_file_and_empty_is_unset() {
    let setup =
        Setup::minimal().set("TWITCH_CLIENT_SECRET", "").set("LOG_FORMAT", "").set("LOG_LEVEL", "info");
    let setup = setup.set("METRICS_TOKEN", " ");
    let file =
        "PORT=1\nLOG_LEVEL=loud\nLOG_FORMAT=\nMETRICS_TOKEN=\"from the file\"\nTWITCH_CLIENT_SECRET=abc\n";
    fs::write(setup.folder().join(".env"), file).unwrap();
    let server = Server::start(setup).await;
    let metrics = server.http.get(server.url("/metrics"));
    assert_eq!(metrics.try_clone().unwrap().send().await.unwrap().status(), 401);
    let with_token = metrics.bearer_auth("from the file").send().await.unwrap();
    assert_eq!(with_token.status(), 200);
}

#[tokio::test]
async fn what_is_kept_is_kept_for_the_owner_alone_and_sealed() {
    let world = World::websocket().await;
    // The app's own token comes first from the same endpoint.
    assert!(world.sim.wait_until(crate::support::SOON, |sim| !sim.conduits().is_empty()).await);
    gives_known_tokens(&world.sim);
    let streamer = world.log_in().await;
    let folder = world.server.setup().folder().join("data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let bytes = fs::read(&path).unwrap();
        let cookie = streamer.browser.cookies["chatpulse_session"].as_bytes();
        for secret in [ACCESS.as_bytes(), REFRESH.as_bytes(), cookie] {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret),
                "{} holds a secret in clear",
                path.display()
            );
        }
        files += 1;
    }
    assert!(files >= 2, "the database and the secret beside it");
    assert!(folder.join("chatpulse.db").exists());
}

#[tokio::test]
async fn a_taken_port_is_one_clear_line() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let Finished { code, stderr, .. } = Setup::minimal().set("PORT", port.to_string()).run().await;
    assert_eq!(code, Some(1));
    let said: Vec<&str> = stderr.lines().filter(|line| line.starts_with("chatpulse:")).collect();
    assert_eq!(said.len(), 1, "{stderr}");
    assert!(said[0].contains(&format!("127.0.0.1:{port} is taken")), "{stderr}");
}

async fn one_line_of_failure(setup: &Setup) -> String {
    let Finished { code, stderr, .. } = setup.clone().set("LOG_LEVEL", "warn").run().await;
    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_is_one_clear_line() {
    let setup = Setup::minimal().set("PORT", free_port().await.to_string());
    fs::write(setup.folder().join("file"), "not a folder").unwrap();
    for path in ["file/below/chatpulse.db", "/proc/nowhere/chatpulse.db"] {
        let setup = setup.clone().set("DATABASE_URL", format!("sqlite://{path}"));
        let line = one_line_of_failure(&setup).await;
        assert!(line.contains("cannot write"), "{line}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_left_as_it_is() {
    let setup =
        Setup::minimal().set("PORT", free_port().await.to_string()).set("DATABASE_URL", "sqlite://here.db");
    let file = setup.folder().join("here.db");
    let mut broken = b"SQLite format 3\0".to_vec();
    broken.extend([0xa5; 8_192]);
    for content in [b"My diary, 1999.".to_vec(), vec![0; 5_000], broken] {
        fs::write(&file, &content).unwrap();
        let line = one_line_of_failure(&setup).await;
        assert!(line.contains("here.db") && line.contains("and is unchanged"), "{line}");
        assert_eq!(fs::read(&file).unwrap(), content, "unchanged byte for byte");
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_file_is_told_so() {
    let mut first = Server::start(Setup::minimal()).await;
    let setup = first.setup().clone().set("PORT", free_port().await.to_string());
    let line = one_line_of_failure(&setup).await;
    assert!(line.contains("in use"), "{line}");
    assert!(first.is_running());
    let health = first.http.get(first.url("/health/live")).send().await.unwrap();
    assert_eq!(health.status(), 200);
    // Killed without a goodbye, it holds nothing.
    first.signal("KILL").await;
    first.ended().await;
    Server::start(setup).await.stop().await;
}

#[tokio::test]
async fn several_migrations_at_once_all_succeed() {
    let setup = Setup::minimal().arguments(&["migrate"]);
    let runs = join_all((0..4).map(|_| setup.run())).await;
    for run in &runs {
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    assert!(runs[0].stdout.contains("up to date"), "{}", runs[0].stdout);
    Server::start(setup.arguments(&[])).await.stop().await;
}

#[tokio::test]
async fn migrating_is_as_strict_in_production_as_serving() {
    let setup = Setup::bare().arguments(&["migrate"]).set("APP_ENV", "production");
    is_refused(setup.clone(), "DATABASE_URL").await;
    is_refused(setup.clone().set("APP_ENV", "bogus"), "APP_ENV").await;
    let remote = setup.clone().set("DATABASE_URL", "postgres://db.example/cp?sslmode=disable");
    is_refused(remote, "DATABASE_URL").await;
    let allowed = setup.set("ALLOW_EMBEDDED", "true").run().await;
    assert_eq!(allowed.code, Some(0), "no key is needed for tables: {}", allowed.stderr);
}

#[tokio::test]
async fn a_wrong_token_key_is_said_and_overlays_live_on() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let setup = world.server.setup().clone().set("TOKEN_ENCRYPTION_KEY", KEY);
    world.server.stop().await;
    let check = setup.clone().arguments(&["check", "--json"]).run().await;
    assert_eq!(check.code, Some(0), "a warning, not a failure: {}", check.stdout);
    let report: Value = serde_json::from_str(&check.stdout).unwrap();
    let tokens =
        report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "stored tokens").unwrap();
    assert_eq!(tokens["status"], "warning");
    assert!(tokens["found"].as_str().unwrap().contains("1 of 1"), "{tokens}");

    let server = Server::start(setup).await;
    assert!(server.log.text().contains("the tokens of 1 of 1 accounts cannot be opened"));
    let mut overlay = streamer.open_overlay(&server).await;
    assert_eq!(overlay.next_value().await, 0.0);
    Streamer::log_in(&server, &world.sim, STREAMER).await;
    drop(overlay);
    server.stop().await;
}

#[tokio::test]
async fn a_lost_secret_is_told_as_what_it_is() {
    let world = World::websocket().await;
    let streamer = world.log_in().await;
    let setup = world.server.setup().clone();
    world.server.stop().await;
    let file = setup.folder().join("data/chatpulse.db.secret");
    fs::remove_file(&file).unwrap();

    let check = setup.clone().arguments(&["check", "--json"]).run().await;
    assert_eq!(check.code, Some(0), "a warning, not a failure: {}", check.stdout);
    let report: Value = serde_json::from_str(&check.stdout).unwrap();
    let rows = report["checks"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "session secret").expect("it is missed");
    assert_eq!(row["status"], "warning");
    assert!(row["found"].as_str().unwrap().contains("data/chatpulse.db.secret is missing"), "{row}");
    assert!(!file.exists(), "it only looks");

    let server = Server::start(setup.clone()).await;
    let log = server.log.text();
    assert!(log.contains("data/chatpulse.db.secret is missing"), "{log}");
    assert!(!log.contains("TOKEN_ENCRYPTION_KEY"), "nobody set one: {log}");
    let mut overlay = streamer.open_overlay(&server).await;
    assert_eq!(overlay.next_value().await, 0.0);
    drop(overlay);
    server.stop().await;

    // The new file is there now, and still does not open what the lost one sealed.
    let server = Server::start(setup).await;
    let log = server.log.text();
    assert!(log.contains("with the key from data/chatpulse.db.secret") && log.contains("backup"), "{log}");
    assert!(!log.contains("is missing") && !log.contains("TOKEN_ENCRYPTION_KEY"), "{log}");
    server.stop().await;
}

#[tokio::test]
async fn version_and_help_are_answered_without_configuration() {
    let run = async |argument: &str| Setup::bare().arguments(&[argument]).run().await;
    let version = run("--version").await;
    assert_eq!(version.code, Some(0));
    assert_eq!(version.stdout.trim(), format!("chatpulse {}", env!("CARGO_PKG_VERSION")));
    let help = run("--help").await;
    assert_eq!(help.code, Some(0));
    for command in ["serve", "demo", "check", "migrate"] {
        assert!(help.stdout.contains(command), "{}", help.stdout);
    }
    assert_eq!(run("--nonsense").await.code, Some(2));
}
