//! Whether somebody talks in the room.

use crate::echo::kalman::bands::{BANDS, bands};
use crate::echo::kalman::spectrum::BINS;

/// How far over what is expected a band must be to count: twice is within chance.
const MARGIN: f32 = 2.0;

/// Shares of the bands between which a talker goes from unlikely to certain.
const UNLIKELY: f32 = 0.08;
const CERTAIN: f32 = 0.30;

/// Most that the likelihood rises in a block. Where the room just changed, an echo of which nothing was known looks like a
/// talker for two or three blocks, until the filter has told it.
const ATTACK: f32 = 0.34;

/// What is left of the likelihood from block to block after the talker stopped: a quarter of a second to a tenth.
const RELEASE: f32 = 0.91;

/// The likelihood of a near-end talker, 0 to 1.
#[derive(Default)]
pub(super) struct NearEnd {
    likelihood: f32,
    now: f32,
}

impl NearEnd {
    /// Judges a block by its power and by the power that echo and noise explain.
    pub(super) fn judge(&mut self, power: &[f32; BINS], explained: &[f32; BINS]) -> f32 {
        let mut share = 0.0;
        for bins in bands() {
            let power: f32 = power[bins.clone()].iter().sum();
            let explained: f32 = explained[bins].iter().sum();
            share += (1.0 - MARGIN * explained / (power + 1e-12)).max(0.0);
        }
        share /= BANDS as f32;
        let now = ((share - UNLIKELY) / (CERTAIN - UNLIKELY)).clamp(0.0, 1.0);
        let believed = now.min(self.likelihood + ATTACK);
        self.likelihood = believed.max(RELEASE * self.likelihood);
        self.now = now;
        self.likelihood
    }

    /// What the block says by itself.
    pub(super) fn now(&self) -> f32 {
        self.now
    }

    /// By how much the block speaks for a talker beyond what is believed.
    pub(super) fn disbelief(&self) -> f32 {
        (self.now - self.likelihood).max(0.0)
    }
}
