//! Checks whether the ports can be opened, or a ChatPulse that runs has them.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use chatpulse_web::open_port;

use super::report::Report;
use crate::settings::Settings;

const ANSWER_WITHIN: Duration = Duration::from_secs(3);

pub(super) async fn check(settings: &Settings, report: &mut Report) {
    let (http, name) = (&settings.http, "listener");
    for (listen, variables) in [
        (Some(http.listen), "choose another HOST or PORT"),
        (http.metrics_listen, "choose another METRICS_ADDR"),
    ] {
        let Some(listen) = listen else { continue };
        match open_port(listen) {
            Ok(_) => report.ok(name, format!("{listen} can be opened")),
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_chatpulse(listen).await => {
                report.ok(name, format!("a ChatPulse that runs has {listen}"));
            }
            Err(error) => {
                report.fail(name, format!("{listen} cannot be opened: {error}"), variables);
            }
        }
    }
}

/// Asks whoever has the port for its liveness.
async fn is_chatpulse(listen: SocketAddr) -> bool {
    let mut address = listen;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build();
    let Ok(client) = client else { return false };
    let Ok(answer) = client.get(format!("http://{address}/health/live")).send().await else { return false };
    answer.text().await.is_ok_and(|body| body.contains("\"uptime\""))
}
