//! The voice desk between a room and a hub.

mod answers;
mod barge_in;
mod commands;
mod loss;
mod media_server;
mod packets;
mod speech;

use crate::support::{House, Recording, until};
use amora_peer_hub::RATE;
use serde_json::{Value, json};
use std::f64::consts::TAU;
use std::time::{Duration, Instant};

/// The box's name at the hub.
const DEVICE: &str = "kitchen";

/// The hub's tone.
const HERTZ: f64 = 1000.0;
const DECIBELS: f64 = -12.0;

/// What the box plays meanwhile, at −20 dB.
const MUSIC: f64 = 400.0;

/// Blocks of a recording's levels in a second.
const BLOCKS: usize = 50;

fn tone(seconds: usize) -> Vec<i16> {
    let amplitude = 10f64.powf(DECIBELS / 20.0) * 32_768.0;
    (0..seconds * RATE as usize)
        .map(|n| (amplitude * (TAU * HERTZ * n as f64 / f64::from(RATE)).sin()).round() as i16)
        .collect()
}

/// A box that calls an address, impatiently.
fn calling(hub: impl Into<String>) -> House {
    House::build()
        .environment("NAILA_HUB_URL", hub)
        .environment("NAILA_DEVICE_ID", DEVICE)
        .environment("NAILA_RECONNECT_DELAY", "0.3")
        .environment("NAILA_MAX_RECONNECT_DELAY", "1")
}

async fn connected(house: &House) -> Value {
    house
        .client()
        .state_where("the call to stand", |state| state["voice"]["link"] == "connected")
        .await
}

/// Waits until the hub's speech sounds, or does no more.
async fn speech(house: &House, sounds: bool) {
    let client = house.client();
    let what = if sounds {
        "speech to sound"
    } else {
        "speech to end"
    };
    until(what, async || {
        let state = client.state().await;
        let active = state["audio"]["mixer"]["active"].as_array();
        let is = active.is_some_and(|active| active.iter().any(|kind| kind == "speech"));
        // The state may be a second old.
        let voice = client.command("voice.get_status", json!({})).await;
        (is == sounds && (sounds || voice["queues"]["speech"] == 0)).then_some(())
    })
    .await;
}

/// Status and body of the health page.
async fn health(port: u16) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = client.get(format!("http://127.0.0.1:{port}/health"));
    let response = page.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

/// Since when the music sounds.
struct Music(Instant);

impl Music {
    async fn play(house: &House) -> Self {
        crate::sound::play_tone(house, MUSIC).await;
        Self(Instant::now())
    }

    /// For how long, at least.
    fn played(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The music sounded for so long, without a gap or a click.
fn assert_never_stumbled(recording: &Recording, played: Duration) {
    let stretch = recording.stretch(MUSIC, -26.0, 0.5);
    let seconds = stretch.len() as f64 / recording.rate;
    assert!(
        seconds > played.as_secs_f64() - 1.5,
        "{seconds} s of {played:?} between two gaps"
    );
    let found = recording.steadiness(stretch, MUSIC);
    assert!(found.disturbance < -50.0, "a gap or click: {found:?}");
}
