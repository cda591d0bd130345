//! What the sound test plays.

use amora_audio::tone::{Channels, render};
use amora_contract::commands::TestSound;
use amora_contract::units::{Decibels, Hertz, Millis};
use std::ops::Range;
use std::time::Duration;

const LEAD: Millis = Millis(200);
const MARKER: Millis = Millis(80);
const GAP: Millis = Millis(150);
const TAIL: Millis = Millis(300);

/// The marker's highest sample, below the tone: noise has its energy in every frequency.
const MARKER_LEVEL: Decibels = Decibels(-3.0);

/// The whole test, and where in it each channel's parts are.
pub(super) struct Script {
    samples: Vec<f32>,
    rate: Hertz,
    pub(super) parts: [Part; 2],
}

/// One channel's turn, in frames from the script's beginning.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) channel: &'static str,
    pub(super) marker: Range<usize>,
    pub(super) tone: Range<usize>,
}

impl Script {
    pub(super) fn new(test: &TestSound, rate: Hertz) -> Self {
        let mut samples = Vec::new();
        let mut part = |channel, side| {
            let silence = |samples: &mut Vec<f32>, time: Millis| {
                samples.resize(samples.len() + 2 * time.frames(rate).0 as usize, 0.0);
            };
            silence(&mut samples, LEAD);
            let start = samples.len() / 2;
            samples.extend(marker(test.level, side, rate));
            let marker = start..samples.len() / 2;
            silence(&mut samples, GAP);
            let start = samples.len() / 2;
            samples.extend(render(test.frequency, test.level, test.duration, side, rate));
            let tone = start..samples.len() / 2;
            silence(&mut samples, TAIL);
            Part {
                channel,
                marker,
                tone,
            }
        };
        let parts = [part("left", Channels::Left), part("right", Channels::Right)];
        Self { samples, rate, parts }
    }

    /// Interleaved stereo.
    pub(super) fn samples(&self) -> &[f32] {
        &self.samples
    }

    pub(super) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / 2.0 / self.rate.0)
    }
}

/// A burst of noise, always the same, by which a delay can be measured: a tone is like itself after every period.
fn marker(level: Decibels, side: Channels, rate: Hertz) -> Vec<f32> {
    let peak = Decibels(level.0 + MARKER_LEVEL.0).to_linear();
    let mut state = 0x2545_F491u32;
    (0..MARKER.frames(rate).0)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let sample = peak * (state as f32 / u32::MAX as f32 * 2.0 - 1.0);
            match side {
                Channels::Left => [sample, 0.0],
                Channels::Right => [0.0, sample],
                Channels::Both => [sample, sample],
            }
        })
        .collect()
}
