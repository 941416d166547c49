//! Warnings about variables that nobody reads but that are spelt almost like one of ours.

use super::catalogue::VARIABLES;
use super::environment::Environment;

/// What people call our variables, as `THEIRS=OURS`. These are other programs' names too, so they are a warning only
/// where ours is not set.
const SYNONYMS: &str = "
    REDIS_URI=REDIS_URL REDIS_ADDR=REDIS_URL REDIS_ADDRESS=REDIS_URL REDIS_DSN=REDIS_URL REDIS_TLS_URL=REDIS_URL
    DATABASE_DSN=DATABASE_URL DB_URL=DATABASE_URL DB_URI=DATABASE_URL DB_DSN=DATABASE_URL POSTGRES_URL=DATABASE_URL
    POSTGRES_URI=DATABASE_URL POSTGRESQL_URL=DATABASE_URL DB_MAX_CONNECTIONS=DB_MAX_CONNS DB_MIN_CONNECTIONS=DB_MIN_CONNS
    TWITCH_ID=TWITCH_CLIENT_ID TWITCH_APP_ID=TWITCH_CLIENT_ID TWITCH_SECRET=TWITCH_CLIENT_SECRET
    TWITCH_APP_SECRET=TWITCH_CLIENT_SECRET TWITCH_REDIRECT=TWITCH_REDIRECT_URI TWITCH_CALLBACK_URL=TWITCH_REDIRECT_URI
    TWITCH_CALLBACK_URI=TWITCH_REDIRECT_URI TWITCH_BOT_USER_ID=BOT_USER_ID TWITCH_BOT_ID=BOT_USER_ID BOT_ID=BOT_USER_ID
    TWITCH_WEBHOOK_URL=WEBHOOK_CALLBACK_URL EVENTSUB_CALLBACK_URL=WEBHOOK_CALLBACK_URL
    TWITCH_WEBHOOK_SECRET=WEBHOOK_SECRET EVENTSUB_SECRET=WEBHOOK_SECRET TWITCH_EVENTSUB_SECRET=WEBHOOK_SECRET
";

/// Kubernetes makes these for a service that is called `chatpulse`.
const OF_KUBERNETES: [&str; 2] = ["CHATPULSE_PORT", "CHATPULSE_HOST"];

/// Returns one sentence per suspicious name.
pub(super) fn warnings(environment: &Environment) -> Vec<String> {
    let names = environment.names();
    let warned = names.into_iter().filter_map(|(name, is_in_file)| {
        let ours = meant_by(name, is_in_file, |ours| environment.find(&[ours]).is_some())?;
        let place = if is_in_file { " in .env" } else { "" };
        Some(format!("nobody reads the variable {name}{place}; {ours} is probably meant"))
    });
    warned.collect()
}

/// Returns the variable of ours that a name probably means. In `.env` even a short name in lower case is suspicious: the
/// file is ours.
fn meant_by(name: &str, is_in_file: bool, is_set: impl Fn(&str) -> bool) -> Option<&'static str> {
    let ours = || VARIABLES.iter().map(|(ours, _)| *ours);
    if ours().any(|ours| ours == name) || is_proxy(name) {
        return None;
    }
    let upper = name.to_ascii_uppercase().replace(['-', '.'], "_");
    if let Some(same) = ours().find(|ours| *ours == upper) {
        return (is_in_file || same.len() > SHORT_MAX).then_some(same);
    }
    if let Some(rest) = upper.strip_prefix("CHATPULSE_").filter(|_| !OF_KUBERNETES.contains(&upper.as_str()))
        && let Some(same) = ours().find(|ours| *ours == rest)
    {
        return Some(same);
    }
    let near = ours()
        .filter(|ours| distance(ours, &upper) <= errors_max(ours))
        .min_by_key(|ours| distance(ours, &upper));
    near.or_else(|| synonym_of(&upper).filter(|ours| !is_set(ours)))
}

/// curl and its kin read these in lower case, and more of them than we do.
fn is_proxy(name: &str) -> bool {
    ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy"]
        .contains(&name.to_ascii_lowercase().as_str())
}

/// Names up to this length have neighbours everywhere: `PORT0`, `HOSTS`, `APP_ENV` and `APP_KEY`.
const SHORT_MAX: usize = 5;

/// Returns how many typing errors a name may have. Each is one letter missing, added, changed, or swapped with the next.
fn errors_max(ours: &str) -> usize {
    match ours.len() {
        0..=SHORT_MAX => 0,
        6..=11 => 1,
        _ => 2,
    }
}

fn synonym_of(name: &str) -> Option<&'static str> {
    let mut pairs = SYNONYMS.split_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.find(|(theirs, _)| *theirs == name).map(|(_, ours)| ours)
}

/// Counts the typing errors between two names: the restricted Damerau-Levenshtein distance.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = usize::from(one[i - 1] != other[j - 1]);
                let swapped = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
                let least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + changed);
                if swapped { least.min(rows[i - 2][j - 2] + 1) } else { least }
            };
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_and_other_words_name_the_right_variable() {
        for (name, ours) in [
            ("TWITCH_CLIENT_SECRT", "TWITCH_CLIENT_SECRET"),
            ("TWICH_CLIENT_ID", "TWITCH_CLIENT_ID"),
            ("TWITCH_REDIRECT_URL", "TWITCH_REDIRECT_URI"),
            ("TWITCHCLIENTID", "TWITCH_CLIENT_ID"),
            ("DATABSE_URL", "DATABASE_URL"),
            ("REDIS_URI", "REDIS_URL"),
            ("REDSI_URL", "REDIS_URL"),
            ("PUBLIC_URI", "PUBLIC_URL"),
            ("LOGLEVEL", "LOG_LEVEL"),
            ("APPENV", "APP_ENV"),
            ("SESION_SECRET", "SESSION_SECRET"),
            ("DB_MAX_CONN", "DB_MAX_CONNS"),
            ("TRUSTED_PROXYS", "TRUSTED_PROXIES"),
            ("BOT_USERID", "BOT_USER_ID"),
            ("twitch_client_id", "TWITCH_CLIENT_ID"),
            ("TWITCH-CLIENT-ID", "TWITCH_CLIENT_ID"),
            ("CHATPULSE_DATABASE_URL", "DATABASE_URL"),
            ("POSTGRES_URL", "DATABASE_URL"),
            ("TWITCH_BOT_ID", "BOT_USER_ID"),
            ("METRICS_TOKN", "METRICS_TOKEN"),
        ] {
            assert_eq!(meant_by(name, false, |_| false), Some(ours), "{name}");
        }
    }

    /// Names of shells, hosts and other programs.
    const OF_OTHERS: &str = "
        PATH HOME HOSTNAME HOSTS HOSTTYPE PORT0 PORTS POST TERM SHELL USER LOGNAME LOG_DIR LOG_FILE LOG_PATH
        RUST_LOG RUST_BACKTRACE APP_NAME APP_KEY APP_DEBUG NODE_ENV HTTP_PORT HTTPS_PORT FTP_PROXY
        http_proxy no_proxy host port SESSION_MANAGER SESSIONNAME DB_HOST DB_PORT DB_NAME DB_USER
        DB_PASSWORD REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_SERVICE_HOST POSTGRES_PASSWORD PGPASSWORD
        PUBLIC_IP CHATPULSE_PORT CHATPULSE_SERVICE_HOST CHATPULSE_PORT_8080_TCP TWITCH_CHANNEL METRICS_PORT
        KUBERNETES_PORT SSL_CERT_DIR XDG_SESSION_ID npm_config_loglevel TOKEN SECRET CLEANUP API_URL API_KEY
        AUTH_URL
    ";

    #[test]
    fn variables_of_others_are_left_alone() {
        for name in OF_OTHERS.split_whitespace() {
            assert_eq!(meant_by(name, false, |_| false), None, "{name}");
        }
        assert_eq!(meant_by("port", true, |_| false), Some("PORT"), "a .env is ours");
        assert_eq!(meant_by("POSTGRES_URL", false, |ours| ours == "DATABASE_URL"), None, "somebody else's");
    }

    #[test]
    fn a_warning_names_both_and_the_file() {
        let mut environment = Environment::of(&[("REDIS_URI", "redis://:hunter2@x"), ("LOGLEVEL", " ")]);
        environment.add_file(b"TWITCH_CLIENT_SECRT=hunter2\nREDIS_URI=x");
        assert_eq!(
            warnings(&environment),
            [
                "nobody reads the variable REDIS_URI; REDIS_URL is probably meant",
                "nobody reads the variable TWITCH_CLIENT_SECRT in .env; TWITCH_CLIENT_SECRET is probably meant",
            ]
        );
    }
}
