//! What MPD plays is what leaves the card.

use crate::support::{self, House, Recording, Tone, encode, until, write_tone};
use serde_json::json;
use std::time::Duration;

/// Under one cent.
const PITCH: f64 = 0.0005;

/// A corner no music or chime here makes, and every audible click does.
const CLICK: f64 = 0.02;

fn tone_file(house: &House, name: &str, tone: Tone, format: &str) -> String {
    let wave = house.music().join(format!("{name}.wav"));
    write_tone(&wave, tone);
    let file = encode(&wave, format);
    std::fs::remove_file(wave).unwrap();
    file.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Lets the box play for a while; the sound itself is judged in the recording.
pub(crate) async fn listen(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

async fn play_and_wait_for_sound(house: &House) {
    house.mpc(&["play"]);
    house
        .client()
        .state_where("music to flow", |state| {
            state["audio"]["music"]["flowing"] == true
        })
        .await;
}

/// Plays a tone of a minute, and waits until it flows.
pub(crate) async fn play_tone(house: &House, hertz: f64) {
    let tone = Tone {
        hertz,
        seconds: 60.0,
        ..Tone::default()
    };
    let file = tone_file(house, "tone", tone, "flac");
    house.scan();
    house.mpc(&["add", &file]);
    play_and_wait_for_sound(house).await;
}

/// What left the card in a scene that is played in a house of its own.
async fn recorded(scene: impl AsyncFn(&House)) -> Recording {
    support::recorded(async || {
        let house = House::lived_in().await;
        scene(&house).await;
        house
    })
    .await
}

#[tokio::test]
async fn the_tone_that_mpd_plays_leaves_the_card_in_pitch_and_level_without_gap_or_click() {
    // Another pitch for each format, so that each is found for certain; a source at 44.1 kHz among them.
    let wanted = [
        ("flac", 1000.0, 48_000, -50.0),
        ("mp3", 800.0, 44_100, -35.0),
        ("ogg", 1250.0, 48_000, -35.0),
        ("opus", 500.0, 48_000, -35.0),
    ];
    let recording = recorded(async |house| {
        for (format, hertz, rate, _) in wanted {
            let tone = Tone {
                hertz,
                rate,
                ..Tone::default()
            };
            let file = tone_file(house, format, tone, format);
            house.scan();
            house.mpc(&["add", &file]);
        }
        play_and_wait_for_sound(house).await;
        house
            .client()
            .state_where("the queue's end", |state| state["player"]["state"] == "stop")
            .await;
        listen(1.0).await;
    })
    .await;
    assert_eq!((recording.rate, recording.channels.len()), (48_000.0, 2));
    for (format, hertz, _, clean) in wanted {
        let stretch = recording.stretch(hertz, -26.0, 0.4);
        let seconds = stretch.len() as f64 / recording.rate;
        assert!(
            (4.5..5.5).contains(&seconds),
            "{format}: {seconds} s between the margins of a tone of 6 s"
        );
        let found = recording.steadiness(stretch, hertz);
        assert!(
            (found.hertz / hertz - 1.0).abs() < PITCH && found.wander < PITCH,
            "{format}: pitch {found:?}"
        );
        assert!(
            (found.decibels.0 + 20.0).abs() < 0.5 && (found.decibels.1 + 20.0).abs() < 0.5,
            "{format}: level {found:?}"
        );
        assert!(found.disturbance < clean, "{format}: a gap or click {found:?}");
    }
}

#[tokio::test]
async fn volume_follows_its_taper_and_never_clicks() {
    let recording = recorded(async |house| {
        play_tone(house, 1000.0).await;
        let client = house.client();
        listen(1.5).await;
        for volume in [50, 90, 0, 75] {
            client
                .command("audio.set_volume", json!({ "volume": volume }))
                .await;
            listen(1.5).await;
        }
        client.command("audio.set_mute", json!({"mute": true})).await;
        listen(1.0).await;
        client.command("audio.set_mute", json!({"mute": false})).await;
        listen(1.0).await;
        house.mpc(&["pause"]);
        listen(1.0).await;
        house.mpc(&["play"]);
        listen(1.0).await;
    })
    .await;
    let levels = recording.levels(1000.0);
    // 0.6 dB a step below the tone's own −20 dB.
    for expected in [-20.0, -50.0, -26.0, -35.0] {
        let held = levels
            .iter()
            .filter(|level| (*level - expected).abs() < 0.5)
            .count();
        assert!(held > 30, "{expected} dB was held for {held} × 20 ms only");
    }
    let silent = levels.iter().skip(100).filter(|level| **level < -120.0).count();
    assert!(
        silent > 60,
        "silence at volume 0 and when muted: {silent} × 20 ms"
    );
    let corner = recording.sharpest_corner(0..recording.frames());
    assert!(corner < CLICK, "something clicked: a corner of {corner}");
}

#[tokio::test]
async fn a_chime_is_heard_and_the_music_ducks_under_it_without_a_click() {
    let recording = recorded(async |house| {
        play_tone(house, 150.0).await;
        listen(1.5).await;
        let client = house.client();
        client.command("audio.chime", json!({"chime": "attention"})).await;
        client
            .state_where("the ducking to be counted", |state| {
                state["audio"]["counters"]["ducked"] == 1
            })
            .await;
        client
            .state_where("the chime to end", |state| {
                state["audio"]["mixer"]["active"]
                    .as_array()
                    .is_some_and(|active| active.len() == 1)
            })
            .await;
        listen(2.0).await;
    })
    .await;
    let levels = recording.levels(150.0);
    let loudest = |levels: &[f64]| levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let ducked = levels
        .iter()
        .position(|level| (level + 38.0).abs() < 3.0)
        .expect("the music is turned down by 18 dB");
    let full = |level: &f64| (level + 20.0).abs() < 0.5;
    assert!(levels[..ducked].iter().any(full), "full level before");
    assert!(
        levels[ducked..].iter().rev().take(40).all(full),
        "full level again at the end: {:?}",
        &levels[levels.len() - 40..]
    );
    assert!(loudest(&levels) < -19.5, "never louder than it was");
    // The chime is there: far more than the ducked music alone.
    let peak = |block: usize| {
        recording.channels[0][block * 960..(block + 1) * 960]
            .iter()
            .fold(0.0f64, |m, x| m.max(x.abs()))
    };
    let during = (ducked..(ducked + 50).min(levels.len()))
        .map(peak)
        .fold(0.0, f64::max);
    assert!(during > 0.05, "no chime: peak {during}");
    let corner = recording.sharpest_corner(0..recording.frames());
    assert!(corner < CLICK, "something clicked: a corner of {corner}");
}

#[tokio::test]
async fn music_returns_after_its_fifo_was_closed_and_opened_again() {
    let mut house = House::lived_in().await;
    play_tone(&house, 1000.0).await;
    listen(1.0).await;
    let client = house.client();
    for _ in 0..2 {
        house.mpc(&["disable", "1"]);
        client
            .state_where("music to stop", |state| {
                state["audio"]["music"]["flowing"] == false
            })
            .await;
        house.mpc(&["enable", "1"]);
        // MPD pauses when its last output goes.
        house.mpc(&["play"]);
        client
            .state_where("music to return", |state| {
                state["audio"]["music"]["flowing"] == true
            })
            .await;
        listen(1.0).await;
    }
    let state = until("the card to turn", async || Some(client.state().await)).await;
    assert_eq!(state["audio"]["counters"]["xruns"], 0);
    assert_eq!(state["system"]["health"]["audio"]["condition"], "ok");
    house.end_service();

    let recording = Recording::read(&house.recording());
    let sounding: Vec<bool> = recording
        .levels(1000.0)
        .iter()
        .map(|level| *level > -21.0)
        .collect();
    let returns = sounding.windows(2).filter(|pair| !pair[0] && pair[1]).count();
    assert!(returns >= 3, "heard three times, in the recording {returns}");
}
