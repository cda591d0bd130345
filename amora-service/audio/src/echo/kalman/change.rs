//! Notices within a few blocks that the room is another than the filter knows.
//!
//! After a change the predicted echo is nowhere in the microphone, so the error is its negative, at all frequencies at
//! once: that is summed up with its sign, where a talker's chance resemblance averages out. Where they resemble each other,
//! the echo only became louder, or somebody talks.

use super::bands::{BANDS, bands};
use super::spectrum::Spectrum;

/// Weight of the past blocks.
const MEMORY: f32 = 0.4;

/// Weight of the past in what is usual: two seconds.
const HABIT_MEMORY: f32 = 0.995;

/// Resemblance to its negative from which on, beyond twice the usual, a change is possible, and from which on it is certain.
const POSSIBLE: f32 = 0.15;
const CERTAIN: f32 = 0.30;
const USUAL: f32 = 2.0;

/// Bands with less than this share of the loudest, or of this power, say nothing; fewer than so many say nothing together.
const LEAST_SHARE: f32 = 1e-3;
const LEAST_POWER: f32 = 1e-5;
const LEAST_BANDS: usize = 6;

/// The watch over one filter.
#[derive(Default)]
pub(super) struct Change {
    level: f32,
    habit: f32,
}

impl Change {
    /// How certain it is, 0 to 1, by the spectra of an error and of the echo that was predicted.
    pub(super) fn judge(&mut self, error: &Spectrum, echo: &Spectrum) -> f32 {
        let mut alike = [0.0; BANDS];
        let mut power = [0.0; BANDS];
        for (index, bins) in bands().enumerate() {
            let (mut common, mut left) = (0.0, 0.0);
            for (error, echo) in error[bins.clone()].iter().zip(&echo[bins]) {
                common += error.re * echo.re + error.im * echo.im;
                left += error.norm_sqr();
                power[index] += echo.norm_sqr();
            }
            alike[index] = common / (power[index] + 0.5 * left + 1e-20);
        }
        let least = power.iter().copied().fold(0.0, f32::max) * LEAST_SHARE;
        let (mut sum, mut count) = (0.0, 0);
        for (alike, power) in alike.iter().zip(&power) {
            if *power > least.max(LEAST_POWER) {
                sum += alike;
                count += 1;
            }
        }
        let now = if count < LEAST_BANDS {
            0.0
        } else {
            (-sum / count as f32).max(0.0)
        };
        self.level += (1.0 - MEMORY) * (now - self.level);
        let certainty = (self.level - POSSIBLE - USUAL * self.habit) / (CERTAIN - POSSIBLE);
        self.habit += (1.0 - HABIT_MEMORY) * (now - self.habit);
        certainty.clamp(0.0, 1.0)
    }
}
