//! The microphone by WHIP and speech by WHEP, at a media server that asks for a token.

use super::{BLOCKS, DECIBELS, DEVICE, HERTZ, connected, speech, tone};
use crate::support::{House, Recording, until};
use amora_peer_hub::{BURST, Hub, Options};
use serde_json::json;

const SECONDS: usize = 2;

#[tokio::test]
async fn a_media_server_hears_and_is_heard_and_is_told_the_end() {
    let hub = Hub::start(Options {
        token: Some("a token".to_owned()),
        ..Options::default()
    })
    .await
    .unwrap();
    let url = hub.url();
    let mut house = House::build()
        .environment("AMORA__VOICE__PROTOCOL", "whip")
        .environment("AMORA__VOICE__WHIP_URL", format!("{url}/whip/{DEVICE}"))
        .environment("AMORA__VOICE__WHEP_URL", format!("{url}/whep/{DEVICE}/speech"))
        .environment("AMORA__VOICE__TOKEN", "a token");
    house.start_everything().await;
    let state = connected(&house).await;
    let (heard, reached) = (hub.connected(DEVICE).await, hub.reachable(DEVICE).await);
    assert_eq!(state["voice"]["counters"]["connections"], 2);
    let shown = state["voice"]["hub"].as_str().unwrap();
    assert!(shown.contains("/whip/") && shown.contains("/whep/"), "{shown}");

    let before = heard.heard_samples();
    let said = reached.say(&tone(SECONDS), BURST).await.unwrap();
    speech(&house, true).await;
    speech(&house, false).await;
    assert!(heard.heard_samples() > before, "the microphone is heard");
    let client = house.client();
    let state = client
        .state_where("every frame to be played", |state| {
            state["voice"]["counters"]["tts_frames_played"] == said as u64
        })
        .await;
    assert_eq!(state["system"]["health"]["voice"]["condition"], "ok");

    client.command("voice.disconnect", json!({})).await;
    client
        .state_where("the call to be over", |state| state["voice"]["link"] == "off")
        .await;
    until("the server to be told", async || {
        hub.devices().is_empty().then_some(())
    })
    .await;
    client.command("voice.connect", json!({})).await;
    connected(&house).await;
    hub.reachable(DEVICE).await;
    house.end_service();
    until("the end of the box to end both", async || {
        hub.devices().is_empty().then_some(())
    })
    .await;

    let recording = Recording::read(&house.recording());
    let right = recording
        .levels(HERTZ)
        .iter()
        .filter(|level| (*level - DECIBELS).abs() < 1.5)
        .count();
    assert!(
        right > SECONDS * BLOCKS - 15,
        "the tone left the card for {right} × 20 ms"
    );
}
