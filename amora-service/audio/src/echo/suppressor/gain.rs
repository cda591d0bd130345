//! The gain of each bin: a Wiener filter with the decision-directed estimate of what is worth keeping.
//!
//! Y. Ephraim and D. Malah, "Speech enhancement using a minimum mean-square error short-time spectral amplitude
//! estimator", IEEE Transactions on Acoustics, Speech and Signal Processing 32 (1984).

use crate::echo::kalman::spectrum::BINS;

/// Weight of the last block's outcome.
const DIRECTED: f32 = 0.85;

/// What the power of the expected echo is multiplied by while nobody talks, and while somebody does, whom it would be worse
/// to lose than to hear a little of the echo.
const ALONE: f32 = 10.0;
const IN_TALK: f32 = 0.2;

/// The gains.
pub(super) struct Gains {
    /// Power that passed in the last block.
    passed: [f32; BINS],
    raw: [f32; BINS],
    gain: [f32; BINS],
}

impl Gains {
    pub(super) fn new() -> Self {
        Self {
            passed: [0.0; BINS],
            raw: [1.0; BINS],
            gain: [1.0; BINS],
        }
    }

    /// The gains for a block of this `power`, of which `echo` and `noise` are expected; `near` is how likely somebody talks.
    /// Noise alone is attenuated by `floor`.
    pub(super) fn update(
        &mut self,
        power: &[f32; BINS],
        echo: &[f32; BINS],
        noise: &[f32; BINS],
        near: f32,
        floor: f32,
    ) -> &[f32; BINS] {
        let rating = ALONE + (IN_TALK - ALONE) * near;
        for bin in 0..BINS {
            let unwanted = rating * echo[bin] + noise[bin] + 1e-14;
            let now = (power[bin] / unwanted - 1.0).max(0.0);
            let wanted = DIRECTED * self.passed[bin] / unwanted + (1.0 - DIRECTED) * now;
            let least = floor * (noise[bin] / unwanted).sqrt();
            self.raw[bin] = (wanted / (1.0 + wanted)).max(least);
        }
        for (bin, power) in power.iter().enumerate() {
            let below = self.raw[bin.saturating_sub(1)];
            let above = self.raw[(bin + 1).min(BINS - 1)];
            let gain = 0.25 * below + 0.5 * self.raw[bin] + 0.25 * above;
            self.gain[bin] = gain;
            self.passed[bin] = gain * gain * power;
        }
        &self.gain
    }
}
