//! Which user secrets a fleet stores, and where.

use crate::support::fleet::Fleet;
use crate::support::streamer::{ACCESS, REFRESH, gives_known_tokens};

fn hex(text: &str) -> String {
    text.bytes()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[tokio::test]
async fn no_table_and_no_key_holds_a_token_or_a_cookie_in_clear() {
    let mut fleet = Fleet::start_with(|setup| setup).await;
    // The application's token comes first from the same endpoint.
    for instance in &mut fleet.instances {
        assert!(instance.log.says("connected to Twitch conduit.id").await);
    }
    gives_known_tokens(&fleet.sim);
    let streamer = fleet.log_in().await;
    let mut overlay = streamer.open_overlay(&fleet.instances[0]).await;
    overlay.next_value().await;
    let cookie = streamer.browser.cookies["chatpulse_session"].clone();
    let kept = fleet.database.everything().await;
    assert!(kept.contains("login_sessions\n") && kept.contains("users\n"), "{kept}");
    assert!(kept.contains("app_tokens\n"), "{kept}");
    let keys = fleet.redis.ask(&["KEYS", "*"]);
    let mut live = keys.clone();
    for key in keys.lines().filter(|line| !line.starts_with(['*', '$'])) {
        live.push_str(&fleet.redis.ask(&["HGETALL", key.trim()]));
    }
    assert!(live.contains("config_json"));
    for secret in [ACCESS, REFRESH, &cookie] {
        for place in [&kept, &live] {
            assert!(
                !place.contains(secret) && !place.contains(&hex(secret)),
                "{secret} is in clear in {place}"
            );
        }
    }
}
