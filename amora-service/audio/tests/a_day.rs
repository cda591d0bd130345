//! Twenty-four simulated hours of music, every frame of which is looked at.

use amora_audio::card::{Card, CardError, CardFormat, Turn};
use amora_audio::engine::{EngineOptions, Mounted, assemble};
use amora_contract::config::AudioConfig;
use amora_contract::units::{Decibels, Frames, Hertz};
use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Low, so that a day passes within half a minute; everything scales with the rate.
const RATE: usize = 1200;

/// 10 ms.
const PERIOD: usize = 12;

/// Frames of one wave of the tone: its left and right are a quarter wave apart, so their squares add up to the
/// same number in every frame, and every frame is the same turn ahead of the one before.
const WAVE: usize = 24;

const AMPLITUDE: f64 = 0.5;
const HOURS: u64 = 24;

/// What the card heard.
#[derive(Default)]
struct Findings {
    frames: AtomicU64,
    wrong_level: AtomicU64,
    wrong_turn: AtomicU64,
}

/// A card that looks at every frame.
struct Examiner {
    format: CardFormat,
    findings: Arc<Findings>,
    last: Option<[f64; 2]>,
    turns: u64,
    /// Fails once an hour.
    failed: bool,
}

impl Card for Examiner {
    fn format(&self) -> &CardFormat {
        &self.format
    }

    fn turn(&mut self, output: &[f32], _input: &mut [f32]) -> Result<Turn, CardError> {
        let hour = 3600 * RATE as u64 / PERIOD as u64;
        if self.turns % hour == hour / 2 && !self.failed {
            self.failed = true;
            return Err(CardError::Xrun);
        }
        self.failed = false;
        self.turns += 1;
        for frame in output.chunks_exact(2) {
            self.look_at([f64::from(frame[0]), f64::from(frame[1])]);
        }
        Ok(Turn::default())
    }
}

impl Examiner {
    fn look_at(&mut self, frame: [f64; 2]) {
        // The first second is the fade-in.
        let number = self.findings.frames.fetch_add(1, Relaxed);
        let [left, right] = frame;
        if number > RATE as u64 {
            let level = (left * left + right * right) / (AMPLITUDE * AMPLITUDE);
            if !(0.99..1.01).contains(&level) {
                self.findings.wrong_level.fetch_add(1, Relaxed);
            }
            if let Some([last_left, last_right]) = self.last {
                let turned = left * last_right - right * last_left;
                let expected = (TAU / WAVE as f64).sin() * AMPLITUDE * AMPLITUDE;
                // A hundredth of a turn's step: a sample lost or doubled is a hundred times that.
                if !(0.99..1.01).contains(&(turned / expected)) {
                    self.findings.wrong_turn.fetch_add(1, Relaxed);
                }
            }
        }
        self.last = Some(frame);
    }
}

#[test]
fn a_day_of_music_has_no_gap_and_no_click() {
    let config = AudioConfig {
        rate: Hertz(RATE as f64),
        ..AudioConfig::default()
    };
    let options = EngineOptions {
        volume: Decibels(0.0),
        ..EngineOptions::from_config(&config)
    };
    let (console, mut crank, mut music) = assemble(&options);
    let findings = Arc::new(Findings::default());
    let mut mounted = Mounted::new(Box::new(Examiner {
        format: CardFormat {
            rate: config.rate,
            period: Frames(PERIOD as u64),
            buffer: Frames(3 * PERIOD as u64),
            sample_format: "FLOAT_LE",
            capture: false,
        },
        findings: Arc::clone(&findings),
        last: None,
        turns: 0,
        failed: false,
    }));
    let wave: Vec<[f32; 2]> = (0..WAVE)
        .map(|n| {
            let phase = TAU * n as f64 / WAVE as f64;
            [(AMPLITUDE * phase.sin()) as f32, (AMPLITUDE * phase.cos()) as f32]
        })
        .collect();

    let turns = HOURS * 3600 * RATE as u64 / PERIOD as u64;
    let start = 1_000_000_000f64;
    let mut now = start;
    let (mut written, mut due, mut chunk, mut random) = (0u64, start as u64, 12usize, 5u64);
    let mut samples = Vec::new();
    let mut turn = 0;
    let mut primed = false;
    while turn < turns {
        while due <= now as u64 {
            samples.clear();
            for n in 0..chunk {
                samples.extend_from_slice(&wave[(written as usize + n) % WAVE]);
            }
            assert_eq!(music.push(&samples, due), chunk);
            written += chunk as u64;
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Chunks of 10 to 50 ms, up to 15 ms late.
            chunk = 12 + (random >> 33) as usize % 49;
            let end = start + (written + chunk as u64) as f64 / RATE as f64 * 1e9;
            due = (end as u64 + (random >> 40) % 15_000_000).max(due);
        }
        // The card begins to listen when music has started.
        if primed {
            match crank.turn(&mut mounted, now as u64) {
                Ok(_) => turn += 1,
                Err(CardError::Xrun) => continue,
                Err(error) => panic!("{error}"),
            }
        } else {
            primed = now > start + 0.25e9;
        }
        // The card's crystal: 120 ppm fast, and ±60 ppm with the day's temperature.
        let day = turn as f64 / turns as f64;
        let drift = 120.0 + 60.0 * (TAU * day).sin();
        now += PERIOD as f64 / (RATE as f64 * (1.0 + drift * 1e-6)) * 1e9;
    }

    let counters = console.counters();
    assert_eq!(findings.frames.load(Relaxed), HOURS * 3600 * RATE as u64);
    assert_eq!(findings.wrong_level.load(Relaxed), 0, "frames of a wrong level");
    assert_eq!(findings.wrong_turn.load(Relaxed), 0, "frames out of step");
    assert_eq!((counters.underruns, counters.limited), (0, 0));
    assert_eq!(counters.xruns, HOURS);
    let drift = console.music_state().drift.0;
    assert!((drift + 120.0).abs() < 25.0, "{drift} ppm");
}
