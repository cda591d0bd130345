//! Pre-emphasis: speech and music are loud at the bottom, and a block's transform smears that over what is above.

use super::spectrum::BINS;
use crate::echo::BLOCK;

/// How much of the sample before is taken off.
const SHARE: f32 = 0.9;

/// The filter 1 - 0.9 z⁻¹.
#[derive(Default)]
pub(super) struct Emphasis {
    before: f32,
}

impl Emphasis {
    pub(super) fn apply(&mut self, block: &mut [f32; BLOCK]) {
        for sample in block {
            let now = *sample;
            *sample = now - SHARE * self.before;
            self.before = now;
        }
    }
}

/// Its inverse.
#[derive(Default)]
pub(super) struct DeEmphasis {
    before: f32,
}

impl DeEmphasis {
    pub(super) fn apply(&mut self, block: &mut [f32; BLOCK]) {
        for sample in block {
            self.before = *sample + SHARE * self.before;
            *sample = self.before;
        }
        // Far below anything heard, and before it gets too small for a fast multiplication.
        if self.before.abs() < 1e-20 {
            self.before = 0.0;
        }
    }
}

/// What the inverse makes of a power, per bin.
pub(super) fn de_emphasis_powers() -> [f32; BINS] {
    std::array::from_fn(|bin| {
        let angle = std::f32::consts::PI * bin as f32 / BLOCK as f32;
        1.0 / (1.0 + SHARE * SHARE - 2.0 * SHARE * angle.cos())
    })
}
