//! How much echo the filter leaves.
//!
//! The filter says how unsure it is of the response; that is what a linear echo leaves. What no filter of this length can
//! know, the late reverberation and the loudspeaker's distortion, is learnt as a leakage of the predicted echo.

use crate::echo::kalman::bands::{BANDS, bands};
use crate::echo::kalman::spectrum::BINS;

/// Weight of the past in the leakage that is learnt while nobody talks.
const MEMORY: f32 = 0.95;

/// What is left of the echo's power from block to block in a room: 60 dB in 0.4 s.
const REVERBERATION: f32 = 0.7;

/// A talker this likely stops the learning: a little of him would be taken for echo for long.
const TALKER: f32 = 0.25;

/// An echo this much over the noise can be learnt from.
const HEARD: f32 = 4.0;

/// Bins on either side among which the echo of a changed room is looked for.
const REACH: usize = 2;

#[derive(Clone, Copy, Default)]
struct Leakage {
    left: f32,
    echo: f32,
}

impl Leakage {
    fn learnt(&self) -> f32 {
        (self.left / (self.echo + 1e-12)).min(1.0)
    }
}

/// The estimate of the echo left.
pub(super) struct Residual {
    bands: [Leakage; BANDS],
    late: [f32; BINS],
}

impl Residual {
    pub(super) fn new() -> Self {
        Self {
            bands: [Leakage::default(); BANDS],
            late: [0.0; BINS],
        }
    }

    /// The echo expected in a block, from the echo that was predicted for it, the filter's uncertainty and the share of the
    /// predicted echo that is proven to be left.
    pub(super) fn expect(
        &mut self,
        echo: &[f32; BINS],
        uncertainty: &[f32; BINS],
        proven: &[f32; BINS],
    ) -> [f32; BINS] {
        let mut power = [0.0; BINS];
        for (late, echo) in self.late.iter_mut().zip(echo) {
            *late = echo.max(REVERBERATION * *late);
        }
        for (band, bins) in self.bands.iter().zip(bands()) {
            let leakage = band.learnt();
            for bin in bins {
                power[bin] = uncertainty[bin] + leakage.max(proven[bin]) * self.late[bin];
            }
        }
        power[0] = power[1];
        power
    }

    /// Raises what is expected to a share of the predicted echo around each bin: where a room is another one, its response
    /// has its dips elsewhere.
    pub(super) fn widen(&self, share: f32, power: &mut [f32; BINS]) {
        if share <= 0.0 {
            return;
        }
        for (bin, value) in power.iter_mut().enumerate() {
            let around = &self.late[bin.saturating_sub(REACH)..(bin + REACH + 1).min(BINS)];
            *value = value.max(share * around.iter().copied().fold(0.0, f32::max));
        }
    }

    /// Learns from what was left. `near` is how likely somebody talks.
    pub(super) fn learn(&mut self, left: &[f32; BINS], noise: &[f32; BINS], near: f32) {
        let weight = (1.0 - MEMORY) * (1.0 - near / TALKER).max(0.0);
        for (band, bins) in self.bands.iter_mut().zip(bands()) {
            let echo: f32 = self.late[bins.clone()].iter().sum();
            let noise: f32 = noise[bins.clone()].iter().sum();
            if echo < HEARD * noise + 1e-9 {
                continue;
            }
            let left = (left[bins].iter().sum::<f32>() - noise).max(0.0);
            band.left += weight * (left - band.left);
            band.echo += weight * (echo - band.echo);
        }
    }
}
