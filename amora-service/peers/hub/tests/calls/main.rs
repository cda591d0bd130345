//! The hub as Rust tests use it, called by a device on the same library.

mod device;
mod raw;
mod whip;

use amora_peer_hub::{BURST, FRAME, Fault, Hub, Options, RATE};
use device::Device;
use std::f64::consts::TAU;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn tone(hertz: f64, frames: usize) -> Vec<i16> {
    (0..frames * FRAME)
        .map(|index| (8_000.0 * (TAU * hertz * index as f64 / f64::from(RATE)).sin()) as i16)
        .collect()
}

/// Which part of the power is a tone's.
fn share_of(hertz: f64, samples: &[i16]) -> f64 {
    let (mut real, mut imaginary, mut power) = (0.0, 0.0, 0.0);
    for (index, &sample) in samples.iter().enumerate() {
        let phase = TAU * hertz * index as f64 / f64::from(RATE);
        real += f64::from(sample) * phase.cos();
        imaginary += f64::from(sample) * phase.sin();
        power += f64::from(sample).powi(2);
    }
    (real * real + imaginary * imaginary) * 2.0 / samples.len() as f64 / power.max(1.0)
}

async fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let wait = async {
        while !ready() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_flows_both_ways_and_the_numbers_of_speech_start_at_zero() {
    let hub = Hub::start(Options::default()).await.unwrap();
    let mut device = Device::connect(&hub.url(), "desk").await;
    let session = tokio::time::timeout(PATIENCE, hub.connected("desk"))
        .await
        .unwrap();
    assert_eq!(session.payload_type(), 111);

    device.speak(&tone(1_000.0, 100)).await;
    wait_for("the tone", || session.heard_samples() >= 90 * FRAME as u64).await;
    assert!(share_of(1_000.0, &session.heard(0.5)) > 0.9);
    assert_eq!(session.skipped(), 0);
    assert_eq!(hub.counters().vad_onsets(), 1);

    let mut speech = tone(700.0, 50);
    speech.extend([0; FRAME - 1]);
    assert_eq!(
        session.say(&speech, BURST).await.unwrap(),
        50,
        "the tail is dropped"
    );
    assert_eq!(session.say(&tone(700.0, 50), BURST).await.unwrap(), 50);
    let packets = tokio::time::timeout(PATIENCE, device.received(100))
        .await
        .unwrap();
    for (number, packet) in packets.iter().enumerate() {
        let numbers = (
            packet.header.sequence_number,
            packet.header.timestamp,
            packet.header.payload_type,
        );
        assert_eq!(numbers, (number as u16, (number * FRAME) as u32, 111));
    }
    let mut decoder = opus::Decoder::new(RATE, opus::Channels::Mono).unwrap();
    let mut heard = vec![0; 100 * FRAME];
    for (packet, frame) in packets.iter().zip(heard.chunks_mut(FRAME)) {
        assert_eq!(
            decoder.decode(&packet.payload, frame, false).unwrap(),
            FRAME,
            "mono, 20 ms"
        );
    }
    assert!(share_of(700.0, &heard[10 * FRAME..40 * FRAME]) > 0.9);
    assert_eq!(hub.counters().tts_frames_routed(), 100);

    device.close().await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_connection_wins_and_a_stopped_hub_hangs_up() {
    let hub = Hub::start(Options::default()).await.unwrap();
    let _first = Device::connect(&hub.url(), "desk").await;
    let beaten = hub.connected("desk").await;
    let _second = Device::connect(&hub.url(), "desk").await;
    let winner = hub.connected("desk").await;
    wait_for("the end of the first", || beaten.state() == "closed").await;
    assert!(winner.is_connected());
    assert_eq!(
        (hub.devices(), hub.connects("desk")),
        (vec!["desk".to_owned()], 2)
    );
    assert_eq!(beaten.say(&tone(700.0, 5), BURST).await.unwrap(), 0);
    assert_eq!(hub.counters().tts_frames_dropped(), 5);
    let port = hub.port();
    hub.stop().await;
    wait_for("the end of the second", || winner.state() == "closed").await;

    let hub = Hub::start(Options {
        port,
        ..Options::default()
    })
    .await
    .unwrap();
    let _third = Device::connect(&hub.url(), "desk").await;
    let session = hub.connected("desk").await;
    hub.hang_up("desk").await;
    wait_for("the end of the third", || session.state() == "closed").await;
    assert!(hub.devices().is_empty());
}

#[tokio::test]
async fn faults_come_in_the_order_that_was_asked_for() {
    let hub = Hub::start(Options::default()).await.unwrap();
    hub.answer_next_with([Fault::Html, Fault::SlowDrip, Fault::Redirect]);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let ask = || {
        let body = serde_json::json!({ "device_id": "x", "sdp": "" });
        client.post(format!("{}/connect", hub.url())).json(&body).send()
    };
    assert!(
        ask()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .starts_with("<!doctype html>")
    );
    let mut drip = ask().await.unwrap();
    assert_eq!(drip.chunk().await.unwrap().unwrap(), "{");
    assert_eq!(drip.chunk().await.unwrap().unwrap(), "\"");
    let redirect = ask().await.unwrap();
    assert_eq!(
        (redirect.status().as_u16(), &redirect.headers()["location"]),
        (307, &"/connect".parse().unwrap())
    );
    assert_eq!(
        ask().await.unwrap().status(),
        500,
        "and then the truth: that was no offer"
    );
}
