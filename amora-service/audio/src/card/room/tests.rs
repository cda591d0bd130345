use super::*;
use crate::analysis;
use std::f64::consts::TAU;

const RATE: Hertz = Hertz(48_000.0);
const PERIOD: Frames = Frames(240);

/// A room without noise, whose echo is as loud as what is played.
fn quiet() -> RoomConfig {
    RoomConfig {
        noise: Decibels(f32::NEG_INFINITY),
        echo: Decibels(0.0),
        ..RoomConfig::default()
    }
}

/// Plays `mono` and returns what the microphone heard.
fn play(config: &RoomConfig, mono: &[f32]) -> Vec<f32> {
    let mut slot = RoomSlot::new(config, RATE, PERIOD, 3, Pace::Free);
    play_on(slot.open().unwrap().as_mut(), mono)
}

fn play_on(card: &mut dyn Card, mono: &[f32]) -> Vec<f32> {
    let mut heard = Vec::new();
    let mut input = [0f32; 480];
    for period in mono.chunks_exact(240) {
        let output: Vec<f32> = period.iter().flat_map(|sample| [*sample; 2]).collect();
        let turn = card.turn(&output, &mut input).unwrap();
        heard.extend_from_slice(&input[..turn.captured.0 as usize]);
    }
    heard
}

fn noise(frames: usize) -> Vec<f32> {
    let mut random = microphone::Random::new(42);
    (0..frames).map(|_| 0.1 * random.gaussian()).collect()
}

fn sine(frequency: f64, amplitude: f64, frames: usize) -> Vec<f32> {
    (0..frames)
        .map(|n| (amplitude * (TAU * (frequency * n as f64 / RATE.0).fract()).sin()) as f32)
        .collect()
}

#[test]
fn the_echo_comes_as_late_and_as_loud_as_asked() {
    for (delay, level) in [(0, 0.0), (5, -20.0), (37, -6.0)] {
        let config = RoomConfig {
            echo: Decibels(level),
            echo_delay: amora_contract::units::Millis(delay),
            ..quiet()
        };
        let played = noise(96_000);
        let heard = play(&config, &played);
        let found = analysis::delay(&played, &heard, 4800).unwrap();
        assert!((found.frames - delay as f64 * 48.0).abs() < 0.1, "{found:?}");
        let gain = analysis::rms(&heard[24_000..]).0 - analysis::rms(&played[24_000..]).0;
        assert!((gain - level).abs() < 0.5, "{gain} dB instead of {level}");
    }
}

#[test]
fn reverberation_falls_by_60_decibels_in_its_time() {
    for milliseconds in [100u64, 400] {
        let config = RoomConfig {
            reverberation: amora_contract::units::Millis(milliseconds),
            ..quiet()
        };
        let mut impulse = vec![0f32; 48_000];
        impulse[0] = 1.0;
        let heard = play(&config, &impulse);
        let direct = 240;
        // From 5 % to 55 % of its time it falls by 30 dB.
        let at = |part: f64| {
            let from = direct + (part * milliseconds as f64 * 48.0) as usize;
            analysis::rms(&heard[from..from + 480]).0
        };
        let fall = at(0.05) - at(0.55);
        assert!((fall - 30.0).abs() < 2.5, "{milliseconds} ms: {fall} dB");
    }
}

#[test]
fn the_room_is_the_same_for_the_same_seed_only() {
    let played = noise(9600);
    let other = RoomConfig {
        seed: 2,
        ..RoomConfig::default()
    };
    assert_eq!(
        play(&RoomConfig::default(), &played),
        play(&RoomConfig::default(), &played)
    );
    assert_ne!(play(&RoomConfig::default(), &played), play(&other, &played));
}

#[test]
fn partitioned_convolution_is_convolution() {
    let config = quiet();
    let played = noise(9600);
    let heard = play(&config, &played);
    let response = echo::response(&config, RATE);
    for n in [0usize, 239, 240, 241, 3000, 7777, heard.len() - 1] {
        let expected: f64 = (0..=n.min(response.len() - 1))
            .map(|k| f64::from(response[k]) * f64::from(played[n - k]))
            .sum();
        assert!((f64::from(heard[n]) - expected).abs() < 1e-5, "frame {n}");
    }
}

#[test]
fn the_microphones_clock_drifts() {
    for drift in [-200.0, 0.0, 200.0, 1000.0] {
        let config = RoomConfig {
            capture_drift: PartsPerMillion(drift),
            echo_delay: amora_contract::units::Millis(5),
            ..quiet()
        };
        let heard = play(&config, &sine(1000.0, 0.5, 480_000));
        // A fast clock takes more samples of the same sound, so the tone seems lower.
        let tone = analysis::tone(&heard[48_000..], RATE).unwrap();
        let expected = 1000.0 / (1.0 + drift * 1e-6);
        assert!(
            (tone.frequency.0 - expected).abs() < 0.002,
            "{drift} ppm: {tone:?}"
        );
        assert!(tone.distortion.0 < -70.0, "{tone:?}");
        let frames = (480_000.0 - 720.0) * (1.0 + drift * 1e-6);
        assert!(
            (heard.len() as f64 - frames).abs() < 2.0,
            "{} frames",
            heard.len()
        );
    }
}

#[test]
fn a_loudspeaker_bends_what_is_too_loud() {
    let config = RoomConfig {
        loudspeaker_clipping: Decibels(-12.0),
        reverberation: amora_contract::units::Millis(0),
        ..quiet()
    };
    let quietly = analysis::tone(&play(&config, &sine(500.0, 0.2, 48_000))[9600..], RATE).unwrap();
    let loudly = analysis::tone(&play(&config, &sine(500.0, 0.8, 48_000))[9600..], RATE).unwrap();
    assert!(quietly.distortion.0 < -100.0, "{quietly:?}");
    assert!(loudly.distortion.0 > -25.0, "{loudly:?}");
    let highest = Decibels(-9.9).to_linear();
    assert!((-1000..1000).all(|n| bend(n as f32 / 100.0, Decibels(-12.0).to_linear()).abs() <= highest));
}

#[test]
fn noise_has_its_level_and_the_talker_is_heard() {
    let config = RoomConfig {
        noise: Decibels(-50.0),
        ..RoomConfig::default()
    };
    let mut slot = RoomSlot::new(&config, RATE, PERIOD, 3, Pace::Free);
    let room = slot.room();
    let mut card = slot.open().unwrap();
    let silence = vec![0f32; 48_000];
    let heard = play_on(card.as_mut(), &silence);
    assert!((analysis::rms(&heard).0 + 50.0).abs() < 0.2);
    assert_eq!(room.say(&sine(700.0, 0.25, 48_000)), 48_000);
    let heard = play_on(card.as_mut(), &silence);
    let tone = analysis::tone(&heard, RATE).unwrap();
    assert!((tone.frequency.0 - 700.0).abs() < 0.01 && (tone.level.0 + 12.04).abs() < 0.05);
}

#[test]
fn the_virtual_clock_goes_by_the_cards_drift() {
    let mut slot = RoomSlot::new(&quiet(), RATE, PERIOD, 3, Pace::Free);
    let room = slot.room();
    let mut card = slot.open().unwrap();
    let minute = vec![0f32; 48_000 * 60];
    play_on(card.as_mut(), &minute);
    let before = room.now();
    room.set_drift(PartsPerMillion(200.0));
    play_on(card.as_mut(), &minute);
    let elapsed = (room.now() - before) as f64 * 1e-9;
    assert!((elapsed - 60.0 / 1.0002).abs() < 1e-5, "{elapsed} s");
}

#[test]
fn delays_are_those_of_a_full_buffer() {
    let mut slot = RoomSlot::new(&quiet(), RATE, PERIOD, 3, Pace::Free);
    let mut card = slot.open().unwrap();
    let mut input = [0f32; 480];
    let delays: Vec<u64> = (0..6)
        .map(|_| card.turn(&[0.0; 480], &mut input).unwrap().playback_delay.0)
        .collect();
    assert_eq!(delays, [240, 480, 720, 720, 720, 720]);
}

#[test]
fn faults_happen_when_they_are_asked_for() {
    let mut slot = RoomSlot::new(&quiet(), RATE, PERIOD, 3, Pace::Free);
    let room = slot.room();
    room.set_busy(true);
    assert!(matches!(slot.open().err(), Some(CardError::Busy(_))));
    room.set_busy(false);
    let mut card = slot.open().unwrap();
    assert!(matches!(slot.open().err(), Some(CardError::Busy(_))));
    let mut input = [0f32; 480];
    let mut turn = |card: &mut Box<dyn Card>| card.turn(&[0.0; 480], &mut input);
    assert!(turn(&mut card).is_ok());
    room.cause_xruns(2);
    assert_eq!(turn(&mut card), Err(CardError::Xrun));
    assert_eq!(turn(&mut card), Err(CardError::Xrun));
    assert!(turn(&mut card).is_ok());
    // A stall longer than the buffer is an xrun as on a real card.
    room.stall(std::time::Duration::from_millis(100));
    assert_eq!(turn(&mut card), Err(CardError::Xrun));
    assert!(turn(&mut card).is_ok());
    room.set_unplugged(true);
    assert!(matches!(turn(&mut card), Err(CardError::Gone(_))));
    drop(card);
    assert!(matches!(slot.open().err(), Some(CardError::Gone(_))));
    room.set_unplugged(false);
    assert!(slot.open().is_ok());
}
