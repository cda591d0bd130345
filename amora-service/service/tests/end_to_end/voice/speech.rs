//! The hub's speech leaves the card, and the hub hears the room without it.

use super::{BLOCKS, DECIBELS, DEVICE, HERTZ, calling, connected, health, speech, tone};
use crate::sound::{listen, play_tone};
use crate::support::{House, Recording, free_port, until};
use amora_peer_hub::{BURST, Hub, Options, RATE, Session};
use serde_json::json;
use std::f64::consts::TAU;
use std::sync::Arc;

/// Samples per measurement: 20 ms.
const BLOCK: usize = 960;

const SECONDS: usize = 6;

/// What the box plays: far from the hub's tone.
const MUSIC: f64 = 150.0;

/// Median peak level of the hub's tone over blocks of 20 ms.
fn level(samples: &[i16]) -> f64 {
    let mut levels: Vec<f64> = samples
        .chunks_exact(BLOCK)
        .map(|block| {
            let (cosine, sine) = block.iter().enumerate().fold((0.0, 0.0), |(c, s), (n, sample)| {
                let phase = TAU * HERTZ * n as f64 / f64::from(RATE);
                let sample = f64::from(*sample) / 32_768.0 * 2.0 / BLOCK as f64;
                (c + sample * phase.cos(), s + sample * phase.sin())
            });
            20.0 * f64::hypot(cosine, sine).max(1e-6).log10()
        })
        .collect();
    levels.sort_by(f64::total_cmp);
    levels[levels.len() / 2]
}

/// Lets the hub speak, and gives the level at which it hears its own tone in the last second and a half of it.
async fn say(house: &House, session: &Arc<Session>) -> f64 {
    let client = house.client();
    // On a busy machine the burst takes as long as the tone.
    let saying = tokio::spawn({
        let session = session.clone();
        async move { session.say(&tone(SECONDS), BURST).await }
    });
    speech(house, true).await;
    listen(3.5).await;
    let heard = session.heard(1.5);
    assert!(heard.len() >= RATE as usize, "the hub hears the microphone");
    let still = client.state().await["audio"]["mixer"]["active"].to_string();
    assert!(still.contains("speech"), "the tone still sounds: {still}");
    let said = saying.await.unwrap().unwrap() as u64;
    client
        .state_where("every frame to be played", |state| {
            let counters = &state["voice"]["counters"];
            counters["tts_frames_received"] == said && counters["tts_frames_played"] == said
        })
        .await;
    level(&heard)
}

#[tokio::test]
async fn the_hub_is_heard_over_ducked_music_and_does_not_hear_itself() {
    let hub = Hub::start(Options::default()).await.unwrap();
    let page = free_port();
    let mut house = calling(hub.url())
        .environment("AMORA__VOICE__HEALTH_ADDRESS", format!("127.0.0.1:{page}"))
        // As loud at the microphone as at the card, so that only cancelling makes it quieter.
        .environment("AMORA__AUDIO__ROOM__ECHO", "0");
    house.start_everything().await;
    let session = hub.connected(DEVICE).await;
    let state = connected(&house).await;
    assert_eq!(state["voice"]["device_id"], DEVICE);
    assert_eq!(state["system"]["health"]["voice"]["condition"], "ok");
    let (status, body) = health(page).await;
    assert_eq!((status, &body["connected"]), (200, &json!(true)), "{body}");

    play_tone(&house, MUSIC).await;
    listen(3.0).await;
    let cancelled = say(&house, &session).await;
    assert!(
        cancelled < DECIBELS - 20.0,
        "the hub hears itself at {cancelled} dB"
    );
    listen(2.0).await;
    let state = house.client().state().await;
    assert!(state["voice"]["counters"]["aec_frames_processed"].as_u64() > Some(100));
    assert!(state["voice"]["counters"]["mic_frames_sent"].as_u64() > Some(100));

    let client = house.client();
    let muted = client.command("voice.mute", json!({"mute": true})).await;
    assert_eq!(muted["mute"], true);
    let sent = until("nothing to be sent while it is muted", async || {
        let sent = session.packets().len();
        listen(1.0).await;
        (session.packets().len() == sent).then_some(sent)
    })
    .await;
    client.command("voice.mute", json!({"mute": false})).await;
    until("packets to flow again", async || {
        (session.packets().len() > sent).then_some(())
    })
    .await;

    // The same without cancelling: it was not the room that kept the tone away.
    let settings = json!({"settings": {"voice": {"echo": {"engine": "off"}}}});
    client.command("system.configure", settings).await;
    until("the call with other settings", async || {
        (hub.connects(DEVICE) == 2).then_some(())
    })
    .await;
    let session = hub.connected(DEVICE).await;
    connected(&house).await;
    let echo = say(&house, &session).await;
    assert!(echo > DECIBELS - 8.0, "uncancelled it is heard, at {echo} dB");
    let metrics = client.get("/metrics").await.body;
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains("\nconnected 1\n"), "{metrics}");
    house.end_service();

    let recording = Recording::read(&house.recording());
    let speech = recording.levels(HERTZ);
    let right = speech
        .iter()
        .filter(|level| (*level - DECIBELS).abs() < 1.5)
        .count();
    assert!(
        right > 2 * SECONDS * 40,
        "the tone left the card for {right} × 20 ms"
    );
    let music = recording.levels(MUSIC);
    let first = speech.iter().position(|level| *level > DECIBELS - 3.0).unwrap();
    let before = &music[first - BLOCKS..first - 10];
    let full = |levels: &[f64]| levels.iter().filter(|level| (*level + 20.0).abs() < 1.0).count();
    assert!(full(before) > 35, "full level before");
    let ducked = music[first + BLOCKS..first + 4 * BLOCKS]
        .iter()
        .filter(|level| **level < -35.0)
        .count();
    assert!(ducked > 130, "the music is turned down: {ducked} of 150");
    let after = &music[first + BLOCKS * SECONDS..][..2 * BLOCKS];
    assert!(full(after) > 20, "and comes back");
}
