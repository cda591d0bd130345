//! The room's steady noise, and how likely each frequency holds something else: speech.
//!
//! T. Gerkmann and R. C. Hendriks, "Unbiased MMSE-based noise power estimation with low complexity and low tracking delay",
//! IEEE Transactions on Audio, Speech, and Language Processing 20 (2012), with their time constants turned to blocks of
//! 10 ms.

use crate::echo::BLOCK;
use crate::echo::kalman::spectrum::{BINS, LENGTH, SILENCE, Transform};
use std::f32::consts::PI;

/// How far speech stands above noise where there is any, as a ratio of powers: 15 dB.
const SPEECH: f32 = 31.6;

/// Weight of the past in the noise and in the mean presence.
const NOISE_MEMORY: f32 = 0.87;
const PRESENCE_MEMORY: f32 = 0.94;

/// What was always present is noise after all: it is not believed to be speech for certain.
const CERTAIN: f32 = 0.99;

/// Blocks that make the first guess.
const FIRST: u32 = 10;

/// Mean square of a block that no microphone gives: −120 dB. It says nothing about the noise.
const SILENT: f32 = 1e-12;

/// Least power of a bin that is divided by.
const LEAST: f32 = 1e-20;

/// The bins in which speech is looked for: 200 Hz to 4 kHz.
const VOICE: std::ops::Range<usize> = 4..80;

pub(super) struct Presence {
    window: [f32; LENGTH],
    before: [f32; BLOCK],
    /// Of the latest window, scaled so that twice the sum over all bins is the mean square.
    power: [f32; BINS],
    noise: [f32; BINS],
    speech: [f32; BINS],
    usual: [f32; BINS],
    seen: u32,
}

impl Presence {
    pub(super) fn new() -> Self {
        // A Hann window over both blocks has 3/8 of their power.
        let scale = 1.0 / (0.375 * (LENGTH * LENGTH) as f32).sqrt();
        let step = 2.0 * PI / LENGTH as f32;
        Self {
            window: std::array::from_fn(|n| scale * (0.5 - 0.5 * (step * (n as f32 + 0.5)).cos())),
            before: [0.0; BLOCK],
            power: [0.0; BINS],
            noise: [0.0; BINS],
            speech: [0.0; BINS],
            usual: [0.0; BINS],
            seen: 0,
        }
    }

    /// Takes note of a block. What is told then is about a window over it and the one before.
    pub(super) fn observe(&mut self, block: &[f32; BLOCK], transform: &mut Transform) {
        let (mut first, mut second) = (self.before, *block);
        self.before = *block;
        for n in 0..BLOCK {
            first[n] *= self.window[n];
            second[n] *= self.window[BLOCK + n];
        }
        let mut spectrum = SILENCE;
        transform.forward(&first, &second, &mut spectrum);
        for (power, value) in self.power.iter_mut().zip(&spectrum) {
            *power = value.norm_sqr();
        }
        if mean_square(&self.power) < SILENT {
            self.speech = [0.0; BINS];
        } else if self.seen < FIRST {
            self.seen += 1;
            for (noise, power) in self.noise.iter_mut().zip(&self.power) {
                *noise += (power - *noise) / self.seen as f32;
            }
        } else {
            self.track();
        }
    }

    fn track(&mut self) {
        for bin in 0..BINS {
            let (power, noise) = (self.power[bin], self.noise[bin].max(LEAST));
            let unlikely = (1.0 + SPEECH) * (-power / noise * SPEECH / (1.0 + SPEECH)).exp();
            let mut speech = 1.0 / (1.0 + unlikely);
            let usual = &mut self.usual[bin];
            *usual = PRESENCE_MEMORY * *usual + (1.0 - PRESENCE_MEMORY) * speech;
            if *usual > CERTAIN {
                speech = speech.min(CERTAIN);
            }
            self.speech[bin] = speech;
            let heard = speech * noise + (1.0 - speech) * power;
            self.noise[bin] = NOISE_MEMORY * noise + (1.0 - NOISE_MEMORY) * heard;
        }
    }

    /// Power of each bin.
    pub(super) fn power(&self) -> &[f32; BINS] {
        &self.power
    }

    /// Power of the noise in each bin.
    pub(super) fn noise(&self) -> &[f32; BINS] {
        &self.noise
    }

    /// Mean square of the noise.
    pub(super) fn noise_power(&self) -> f32 {
        mean_square(&self.noise)
    }

    /// The share of the voice's frequencies that hold more than noise, 0 to 1.
    pub(super) fn speech(&self) -> f32 {
        self.speech[VOICE].iter().sum::<f32>() / VOICE.len() as f32
    }
}

fn mean_square(power: &[f32; BINS]) -> f32 {
    2.0 * power.iter().sum::<f32>()
}
