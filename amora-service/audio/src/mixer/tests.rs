mod dynamics;
mod edges;
mod properties;

use super::*;
use crate::analysis;
use crate::engine::SourceWriter;
use crate::engine::source::source;
use amora_contract::units::{Frames, Hertz};
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;
const PERIOD: usize = 240;

/// A mixer at full volume, and writers into it.
struct Bench {
    mixer: Mixer,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        Self::with(Decibels(0.0), &DuckingConfig::default())
    }

    fn with(limit: Decibels, ducking: &DuckingConfig) -> Self {
        let mut mixer = Mixer::new(RATE, limit, ducking, None);
        mixer.volume.jump(1.0);
        Self { mixer, now: 0 }
    }

    fn source(&mut self, kind: SourceKind) -> SourceWriter {
        let (end, writer) = source(kind, Frames(480_000), Frames(PERIOD as u64));
        assert!(self.mixer.add(Box::new(Input::new(end, RATE))).is_ok());
        writer
    }

    /// Interleaved output of this many periods.
    fn run(&mut self, periods: usize) -> Vec<f32> {
        let mut output = vec![0.0; periods * PERIOD * 2];
        for period in output.chunks_mut(PERIOD * 2) {
            self.mixer.process(period, self.now);
            self.now += 5_000_000;
        }
        output
    }

    /// The left channel of this many periods.
    fn left(&mut self, periods: usize) -> Vec<f32> {
        analysis::channel(&self.run(periods), 0, 2)
    }
}

/// A stereo sine; the right channel is a quarter turn ahead.
fn sine(frequency: f64, amplitude: f64, frames: usize) -> Vec<f32> {
    (0..frames)
        .flat_map(|n| {
            let phase = TAU * (frequency * n as f64 / RATE).fract();
            [(amplitude * phase.sin()) as f32, (amplitude * phase.cos()) as f32]
        })
        .collect()
}

/// The largest step that a sine of this amplitude makes by itself.
fn own_step(frequency: f64, amplitude: f64) -> f32 {
    (2.0 * amplitude * (TAU / 2.0 * frequency / RATE).sin()) as f32
}

fn decibels_at(samples: &[f32], frequency: f64) -> f32 {
    analysis::level_at(samples, Hertz(frequency), Hertz(RATE)).0
}
