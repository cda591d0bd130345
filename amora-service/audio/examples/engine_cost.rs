//! Measures what a second of sound costs the engine's thread, and prints it as JSON.
//!
//! `cargo run --release -p amora-audio --example engine_cost`

use amora_audio::card::CardSlot;
use amora_audio::card::room::{Pace, RoomSlot};
use amora_audio::engine::{EngineOptions, Mounted, SourceKind, assemble};
use amora_contract::config::{AudioConfig, RoomConfig};
use amora_contract::units::{Decibels, Hertz, Millis};

/// Seconds of sound in each measurement.
const SECONDS: u64 = 20;

/// What sounds in a measurement.
#[derive(Clone, Copy)]
struct Load {
    music: bool,
    speech: bool,
    /// So loud that the limiter works all the time.
    loud: bool,
}

/// CPU seconds that this thread has used.
fn cpu_time() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the result; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// CPU milliseconds per second of sound, the simulated card left out.
fn measure(config: &AudioConfig, load: Load) -> Result<f64, Box<dyn std::error::Error>> {
    let mut options = EngineOptions::from_config(config);
    options.volume = Decibels(if load.loud { 12.0 } else { 0.0 });
    let (console, mut crank, mut music) = assemble(&options);
    let room = RoomConfig {
        noise: Decibels(f32::NEG_INFINITY),
        ..RoomConfig::default()
    };
    let mut slot = RoomSlot::new(&room, config.rate, config.period, config.periods, Pace::Free);
    let mut mounted = Mounted::new(slot.open()?);
    let mut speech = console.source(SourceKind::Speech)?;
    let frames = config.period.0 as usize;
    let sound = amora_audio::tone::render(
        Hertz(1000.0),
        Decibels(-6.0),
        Millis(1000),
        amora_audio::tone::Channels::Both,
        config.rate,
    );
    let turns = SECONDS * config.rate.0 as u64 / config.period.0;
    let period = (config.period.0 as f64 / config.rate.0 * 1e9) as u64;
    let chunk_at = |turn: u64| {
        let at = turn as usize * frames * 2 % (sound.len() - frames * 2);
        &sound[at..at + frames * 2]
    };
    let started = cpu_time();
    for turn in 0..turns {
        let now = 1_000_000_000 + turn * period;
        if load.music {
            music.push(chunk_at(turn), now);
        }
        if load.speech {
            speech.push(chunk_at(turn));
        }
        crank.turn(&mut mounted, now)?;
    }
    let total = cpu_time() - started;
    // The card's own share, measured by turning it alone with the same sound.
    let mut card = slot_alone(config, &room)?;
    let mut input = vec![0.0; 2 * frames];
    let silence = vec![0.0; 2 * frames];
    let sounding = load.music || load.speech;
    let started = cpu_time();
    for turn in 0..turns {
        card.turn(if sounding { chunk_at(turn) } else { &silence }, &mut input)?;
    }
    let card_alone = cpu_time() - started;
    Ok((total - card_alone).max(0.0) * 1000.0 / SECONDS as f64)
}

fn slot_alone(
    config: &AudioConfig,
    room: &RoomConfig,
) -> Result<Box<dyn amora_audio::card::Card>, amora_audio::card::CardError> {
    RoomSlot::new(room, config.rate, config.period, config.periods, Pace::Free).open()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = AudioConfig::default();
    let load = |music, speech, loud| Load { music, speech, loud };
    let cases = [
        ("idle", load(false, false, false)),
        ("music", load(true, false, false)),
        ("music_and_speech", load(true, true, false)),
        ("music_and_speech_limited", load(true, true, true)),
    ];
    let mut fields = vec![
        format!("\"rate\":{}", config.rate.0),
        format!("\"period\":{}", config.period.0),
        format!("\"seconds\":{SECONDS}"),
    ];
    for (name, load) in cases {
        let cost = measure(&config, load)?;
        fields.push(format!("\"{name}_ms_per_second\":{cost:.3}"));
    }
    println!("{{{}}}", fields.join(","));
    Ok(())
}
