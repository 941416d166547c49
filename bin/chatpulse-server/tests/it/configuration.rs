//! Where settings come from: the process environment, `.env` of every kind, and what is said about them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::server::{Finished, Server, Setup, free_port};

fn env_file(setup: &Setup) -> PathBuf {
    setup.folder().join(".env")
}

/// Refused before a port is opened, as a matter of configuration.
async fn refused(setup: Setup) -> String {
    let Finished { code, stderr, stdout } = setup.run().await;
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    stderr
}

#[tokio::test]
async fn an_env_file_that_is_no_text_is_a_problem_and_never_hangs() {
    let utf16: Vec<u8> = "\u{feff}PORT=1\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, says) in
        [(utf16, "UTF-16"), (b"A=1\nB=caf\xe9\n".to_vec(), "line 2"), (b"A=1\n\nB\n".to_vec(), "line 3")]
    {
        let setup = Setup::minimal();
        fs::write(env_file(&setup), content).unwrap();
        let report = refused(setup).await;
        assert!(report.contains("  .env\n") && report.contains(says), "{report}");
    }
    let setup = Setup::minimal();
    fs::create_dir(env_file(&setup)).unwrap();
    assert!(refused(setup).await.contains("a directory"));
}

#[tokio::test]
async fn problems_of_the_file_and_of_values_are_said_together() {
    let setup = Setup::minimal().set("PORT", "\"8080\"").set("LOG_LEVEL", "loud");
    fs::write(env_file(&setup), "METRICS_TOKEN=three secret words\nSHUTDOWN_TIMEOUT=soon").unwrap();
    let report = refused(setup).await;
    for says in ["4 problems", "  .env\n", "line 1", "  PORT\n", "  LOG_LEVEL\n", "  SHUTDOWN_TIMEOUT\n"] {
        assert!(report.contains(says), "{says}: {report}");
    }
    assert!(!report.contains("secret words"), "{report}");
}

/// What a value is, as seen from outside: the token that opens `/metrics`.
#[tokio::test]
async fn a_value_of_the_env_file_is_what_stands_there() {
    for (line, token) in [
        ("METRICS_TOKEN=pa$$word1", "pa$$word1"),
        (r"METRICS_TOKEN=a\b#c\", r"a\b#c\"),
        ("export METRICS_TOKEN='it is $HOME #1' # mine\r", "it is $HOME #1"),
        (r#"METRICS_TOKEN="a \"b\" \\ \n $x""#, r#"a "b" \ \n $x"#),
    ] {
        let setup = Setup::minimal();
        fs::write(env_file(&setup), format!("\u{feff}# comment\n{line}\nLOG_LEVEL=info\n")).unwrap();
        let server = Server::start(setup).await;
        let request = server.http.get(server.url("/metrics")).bearer_auth(token);
        assert_eq!(request.send().await.unwrap().status(), 200, "{line}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_pipe_is_an_env_file_too() {
    let setup = Setup::minimal();
    let pipe = env_file(&setup);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = tokio::task::spawn_blocking(move || fs::write(pipe, "LOG_FORMAT=xml\n"));
    assert!(refused(setup).await.contains("  LOG_FORMAT\n"));
    writer.await.unwrap().unwrap();
}

#[tokio::test]
async fn misspelt_variables_are_warned_about_by_serve_and_by_check() {
    let setup =
        Setup::minimal().set("REDIS_URI", "redis://:hunter2@cache").set("PORT0", "1").set("HOSTNAME", "me");
    fs::write(env_file(&setup), "TWITCH_CLIENT_SECRT=hunter2\n").unwrap();
    let server = Server::start(setup.clone()).await;
    let log = server.log.text();
    let (_, check) = server.stop().await;
    for (wrong, right) in [("REDIS_URI", "REDIS_URL"), ("TWITCH_CLIENT_SECRT", "TWITCH_CLIENT_SECRET")] {
        let line = log.lines().find(|line| line.contains(wrong)).unwrap_or_else(|| panic!("{wrong}: {log}"));
        assert!(line.contains("WARN") && line.contains(&format!("{right} is probably meant")), "{line}");
    }
    assert_eq!(log.matches("is probably meant").count(), 2, "{log}");
    assert!(!log.contains("hunter2") && !check.contains("hunter2"));

    let Finished { stdout, .. } = setup.arguments(&["check", "--json"]).run().await;
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let rows = report["checks"].as_array().unwrap();
    let warned = rows.iter().filter(|row| row["name"] == "configuration" && row["status"] == "warning");
    assert_eq!(warned.count(), 2, "{stdout}");
    assert!(!stdout.contains("hunter2"));
}

#[tokio::test]
async fn fatal_errors_are_in_the_format_of_the_log() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let json = |stderr: &str| -> Vec<Value> {
        stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    };
    for level in ["info", "off"] {
        let setup = Setup::minimal().set("LOG_FORMAT", "json").set("LOG_LEVEL", level).set("PORT", &port);
        let Finished { code, stderr, .. } = setup.run().await;
        assert_eq!(code, Some(1));
        let lines = json(&stderr);
        let last = lines.last().unwrap();
        assert!(
            last["level"] == "ERROR" && last["message"].as_str().unwrap().contains("is taken"),
            "{stderr}"
        );
    }
    let report = refused(Setup::minimal().set("LOG_FORMAT", "json").set("PORT", "x").set("HOST", "x")).await;
    let named: Vec<Value> = json(&report).iter().map(|line| line["variable"].clone()).collect();
    assert_eq!(named, ["HOST", "PORT"]);
    let migrate = Setup::bare().set("LOG_FORMAT", "json").set("DATABASE_URL", "sqlite:///proc/nowhere/x.db");
    let Finished { code, stderr, .. } = migrate.arguments(&["migrate"]).run().await;
    assert_eq!((code, json(&stderr).len()), (Some(1), 1), "{stderr}");
}

/// No server is asked: each is a problem of the configuration, and nothing of the password is in the output.
#[tokio::test]
async fn a_password_that_is_not_escaped_is_explained_and_not_printed() {
    for password in [
        "hunter2@Tr0ub4dor",
        "hunter2/Tr0ub4dor",
        "hunter2#Tr0ub4dor",
        "hunter2 Tr0ub4dor",
        "hunter2%Tr0ub4dor",
    ] {
        let fleet = Setup::minimal().set("BOT_USER_ID", "1").set("SESSION_SECRET", "any secret");
        let database = fleet.clone().set("DATABASE_URL", format!("postgres://u:{password}@127.0.0.1:1/x"));
        let redis = fleet
            .set("DATABASE_URL", "postgres://u:p@127.0.0.1:1/x")
            .set("REDIS_URL", format!("redis://:{password}@127.0.0.1:1"));
        for command in ["serve", "check", "migrate"] {
            let report = refused(database.clone().arguments(&[command])).await;
            assert!(report.contains("percent-encode it as %"), "{report}");
            assert!(!report.contains("hunter2") && !report.contains("Tr0ub4dor"), "{report}");
        }
        let report = refused(redis).await;
        assert!(
            report.contains("  REDIS_URL\n") && !report.contains("hunter2") && !report.contains("Tr0ub4dor"),
            "{report}"
        );
    }
}

/// Before anything is asked or migrated: the database is not even reachable.
#[tokio::test]
async fn a_redis_url_with_a_path_is_refused_before_the_database_is_touched() {
    let fleet = Setup::minimal()
        .set("BOT_USER_ID", "1")
        .set("SESSION_SECRET", "any secret")
        .set("DATABASE_URL", "postgres://u:p@127.0.0.1:1/x")
        .set("PORT", free_port().await.to_string());
    for url in ["redis://127.0.0.1/abc", "redis-cluster://127.0.0.1/1", "redis://127.0.0.1?db=1"] {
        let report = refused(fleet.clone().set("REDIS_URL", url)).await;
        assert!(report.contains("1 problem") && report.contains("  REDIS_URL\n"), "{report}");
    }
}

#[tokio::test]
async fn a_database_or_a_secret_that_others_can_read_is_warned_about() {
    let server = Server::start(Setup::minimal()).await;
    let setup = server.setup().clone();
    let (_, log) = server.stop().await;
    assert!(!log.contains("others on this machine"), "{log}");
    let files = ["data/chatpulse.db", "data/chatpulse.db.secret"];
    for (file, mode) in files.into_iter().zip([0o644, 0o640]) {
        fs::set_permissions(setup.folder().join(file), fs::Permissions::from_mode(mode)).unwrap();
    }
    let Finished { stdout, .. } = setup.clone().arguments(&["check"]).run().await;
    let (_, log) = Server::start(setup).await.stop().await;
    for said in [log, stdout] {
        for file in files {
            assert!(said.contains(&format!("read or change {file} (its mode is")), "{file}: {said}");
        }
    }
}
