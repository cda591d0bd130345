//! The noise of the room: its spectrum, and a likeness of it.

use crate::echo::kalman::spectrum::BINS;
use realfft::num_complex::Complex32;
use std::f32::consts::FRAC_1_SQRT_2;

/// Weight of the past in the power whose minimum is the noise.
const MEMORY: f32 = 0.8;

/// How fast the floor rises per block while nothing is heard, and while an echo might hide it: 3 dB and 0.4 dB a second.
const RISE: f32 = 1.007;
const RISE_UNDER_ECHO: f32 = 1.001;

/// Power of a bin that no converter leaves: −150 dBFS of white noise.
const SILENT: f32 = 1e-12;

/// Mean of a smoothed power against its minima.
const BIAS: f32 = 1.6;

/// Tracks the noise floor by the minima of the power.
pub(super) struct NoiseFloor {
    smooth: [f32; BINS],
    minimum: [f32; BINS],
    power: [f32; BINS],
    known: bool,
}

impl NoiseFloor {
    pub(super) fn new() -> Self {
        Self {
            smooth: [0.0; BINS],
            minimum: [0.0; BINS],
            power: [0.0; BINS],
            known: false,
        }
    }

    /// Takes in the power of a block, and the echo that might be in it.
    pub(super) fn track(&mut self, power: &[f32; BINS], echo: &[f32; BINS]) -> &[f32; BINS] {
        // A microphone that was switched off says nothing about the noise.
        let silent = power.iter().all(|value| *value < SILENT);
        if silent || !self.known {
            self.smooth = *power;
            self.minimum = *power;
            self.power = [0.0; BINS];
            self.known = !silent;
            return &self.power;
        }
        for bin in 0..BINS {
            let smooth = &mut self.smooth[bin];
            *smooth = MEMORY * *smooth + (1.0 - MEMORY) * power[bin];
            let minimum = &mut self.minimum[bin];
            if *smooth < *minimum {
                *minimum += 0.5 * (*smooth - *minimum);
            } else {
                let rise = if echo[bin] > *minimum {
                    RISE_UNDER_ECHO
                } else {
                    RISE
                };
                *minimum = (*minimum * rise + SILENT).min(*smooth);
            }
            self.power[bin] = BIAS * *minimum;
        }
        &self.power
    }
}

/// Gaussian-like noise of a given spectrum.
pub(super) struct ComfortNoise {
    state: u32,
}

impl ComfortNoise {
    pub(super) fn new() -> Self {
        Self { state: 0x9E37_79B9 }
    }

    /// A value of the given power and of random phase.
    pub(super) fn value(&mut self, power: f32) -> Complex32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        // Four phases and, from two more bits, four sizes whose squares have the mean 1.
        const SIZES: [f32; 4] = [0.45, 0.8, 1.1, 1.37];
        let size = power.sqrt() * FRAC_1_SQRT_2 * SIZES[(self.state >> 8 & 3) as usize];
        let re = if self.state & 1 << 16 == 0 { size } else { -size };
        let im = if self.state & 1 << 17 == 0 { size } else { -size };
        Complex32::new(re, im)
    }
}
