//! Measures the cost of an open overlay while idle.

use std::time::Duration;

use crate::support::fleet::Fleet;
use crate::support::live::Monitor;

const SESSIONS: usize = 10;

/// Three looks at five seconds apart, whatever the phase that it begins in.
const SPAN: Duration = Duration::from_secs(15);
const PROMISED: usize = 3;

#[tokio::test]
async fn an_idle_session_costs_an_instance_one_command_in_five_seconds() {
    let mut fleet = Fleet::without_instances(SESSIONS, |setup| setup).await;
    fleet.add_instances(1).await;
    let mut monitor = Monitor::of(&fleet.redis);
    let without_any = monitor.listen(SPAN).len();

    let (mut overlays, mut ids) = (Vec::new(), Vec::new());
    for place in 0..SESSIONS {
        let mut streamer = fleet.log_in_as(&Fleet::extra_user(place)).await;
        let mut overlay = streamer.open_overlay(&fleet.instances[0]).await;
        assert_eq!(overlay.next_value().await, 0.0);
        streamer.chat_becomes("reading").await;
        overlays.push(overlay);
        ids.push(streamer.overlay);
    }
    let mut monitor = Monitor::of(&fleet.redis);
    let heard = monitor.listen(SPAN);
    let costs: Vec<usize> =
        ids.iter().map(|id| heard.iter().filter(|line| line.contains(id)).count()).collect();
    println!("{without_any} commands without sessions, {} with {SESSIONS}: {costs:?}", heard.len());
    assert!(costs.iter().all(|cost| *cost <= PROMISED), "{costs:?}");
    // Heartbeats fall into one span or the other; one more command for each session would be seen.
    let more = heard.len().saturating_sub(without_any);
    assert!(more < SESSIONS * (PROMISED + 1), "{more} more than {without_any}");
}
