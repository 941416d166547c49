//! The crowd over a real socket.

use chatpulse_twitch_sim::{CrowdConfig, Script};
use serde_json::json;

use crate::client::{Client, STREAMER, Socket};

#[tokio::test]
async fn a_crowd_says_what_its_script_says() {
    let client = Client::start().await;
    client.grant_all();
    let conduit_id = client.conduit().await;
    let mut socket = Socket::open(&client.sim.eventsub_ws_url()).await;
    client.assign(&conduit_id, socket.transport()).await;
    client.subscribe(json!({ "method": "conduit", "conduit_id": conduit_id })).await;

    let config = CrowdConfig { messages_per_second: 2_000.0, seed: 5, ..CrowdConfig::in_channel(STREAMER) };
    let crowd = client.sim.start_crowd(config.clone());
    let plain =
        Script::new(&config).filter(|turn| turn.repeats == 0 && !turn.action && turn.reply_to.is_none());
    let mut last_id = String::new();
    for turn in plain.take(100) {
        // Repeats, answers and `/me` look different from what was typed; the others must come in order.
        loop {
            let frame = socket.next().await.unwrap();
            let event = &frame["payload"]["event"];
            let message_id = event["message_id"].as_str().unwrap().to_owned();
            let is_repeat = std::mem::replace(&mut last_id, message_id.clone()) == message_id;
            if event["message"]["text"] == *turn.text && !is_repeat {
                break;
            }
        }
    }
    assert!(crowd.lines_said() >= 100);
    crowd.stop();
    client.sim.stop().await;
}
