//! Somebody in the room speaks while the hub does.

use super::{BLOCKS, DEVICE, calling, connected, speech};
use crate::sound::listen;
use crate::support::{Recording, Subscriber};
use crate::talk::socket;
use amora_peer_hub::{BURST, Hub, Options};
use futures_util::SinkExt;
use serde_json::Value;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// Samples of a talker's message: 20 ms.
const BLOCK: usize = 960;

/// White noise made duller, as loud at any moment as at any other: something that a canceller can learn by.
fn noise(seconds: usize, seed: u32) -> Vec<i16> {
    let (mut state, mut low) = (seed, 0.0);
    (0..seconds * 48_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = f64::from(state >> 8) / f64::from(1 << 23) - 1.0;
            low += 0.3 * (white - low);
            (16_000.0 * low) as i16
        })
        .collect()
}

/// Level of what left the card, per 20 ms.
fn levels(recording: &Recording) -> Vec<f64> {
    recording.channels[0]
        .chunks_exact(BLOCK)
        .map(|block| {
            let squares: f64 = block.iter().map(|sample| sample * sample).sum();
            10.0 * (squares / BLOCK as f64).max(1e-12).log10()
        })
        .collect()
}

#[tokio::test]
async fn who_speaks_into_the_hubs_speech_turns_it_down_and_is_told_of() {
    let hub = Hub::start(Options::default()).await.unwrap();
    let mut house = calling(hub.url()).environment("AMORA__VOICE__ECHO__ENGINE", "kalman");
    house.start_everything().await;
    let session = hub.connected(DEVICE).await;
    connected(&house).await;
    let events = Subscriber::start(&house, "amora/devices/test/events").await;
    let client = house.client();
    let told = async |begun: bool| {
        let is = |state: &Value| state["voice"]["barge_in"] == begun;
        client.state_where("the talker to be noticed", is).await;
        events
            .message_where("the talker to be told", "/events", |message| {
                message.body["event"] == "voice.barge_in" && message.body["data"]["begun"] == begun
            })
            .await;
    };

    // Ten seconds of it wait at most; on a busy machine the burst takes as long as it is played.
    let saying = tokio::spawn(async move { session.say(&noise(9, 1), BURST).await });
    speech(&house, true).await;
    listen(4.0).await;
    let mut mouth = socket(&house, "/api/talk").await;
    let talking = tokio::spawn(async move {
        let mut pieces = tokio::time::interval(Duration::from_millis(20));
        for piece in noise(1, 2).chunks(BLOCK) {
            pieces.tick().await;
            let bytes: Vec<u8> = piece.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            mouth.send(Message::binary(bytes)).await.unwrap();
        }
        mouth
    });
    told(true).await;
    told(false).await;
    speech(&house, false).await;
    saying.await.unwrap().unwrap();
    talking.await.unwrap();
    house.end_service();

    let recording = Recording::read(&house.recording());
    let levels = levels(&recording);
    let start = levels.iter().position(|level| *level > -40.0).unwrap();
    let mut first = levels[start + BLOCKS..start + 3 * BLOCKS].to_vec();
    first.sort_by(f64::total_cmp);
    let usual = first[BLOCKS];
    let count = |difference: f64| {
        let near = |level: &&f64| (**level - usual - difference).abs() < 3.0;
        levels[start..].iter().filter(near).count()
    };
    let (full, ducked) = (count(0.0), count(-18.0));
    assert!(ducked > 30, "turned down for {ducked} × 20 ms");
    assert!(full > 5 * BLOCKS, "at full level for {full} × 20 ms");
}
