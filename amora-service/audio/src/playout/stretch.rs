//! Decoded sound that waits, and how it is taken: as it is, or a few frames more in the same time, or fewer.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Samples on each side that a sample between two is made of.
const HALF: usize = 8;

/// Steps between two samples in the table; between steps it is interpolated.
const STEPS: usize = 128;

/// Samples that are moved at once when the beginning of the buffer is free.
const SPENT: usize = 16_384;

/// A windowed sinc, a row for each step. Row 0 takes the sample itself: what is not stretched keeps every bit.
static KERNEL: LazyLock<Box<[[f32; 2 * HALF]]>> = LazyLock::new(|| {
    (0..=STEPS)
        .map(|step| {
            let fraction = step as f64 / STEPS as f64;
            let weights: [f64; 2 * HALF] = std::array::from_fn(|tap| {
                let distance = tap as f64 + 1.0 - HALF as f64 - fraction;
                let sinc = if distance.abs() < 1e-9 {
                    1.0
                } else {
                    (PI * distance).sin() / (PI * distance)
                };
                sinc * (0.5 + 0.5 * (PI * distance / (HALF as f64 + 0.5)).cos()).max(0.0)
            });
            let sum: f64 = weights.iter().sum();
            weights.map(|weight| (weight / sum) as f32)
        })
        .collect()
});

/// Sound that waits.
#[derive(Debug)]
pub(super) struct Stretch {
    /// What was taken last, then what waits.
    samples: Vec<f32>,
    start: usize,
}

impl Stretch {
    pub(super) fn new() -> Self {
        Self {
            samples: vec![0.0; HALF],
            start: HALF,
        }
    }

    /// Frames that wait.
    pub(super) fn len(&self) -> usize {
        self.samples.len() - self.start
    }

    /// Frames that must wait besides what is taken, for [`take`](Self::take) to stretch.
    pub(super) const LOOKAHEAD: usize = HALF;

    /// The next frames, as many as there are.
    pub(super) fn peek(&self, frames: usize) -> &[f32] {
        let end = (self.start + frames).min(self.samples.len());
        &self.samples[self.start..end]
    }

    /// Makes room for `frames` at the end, to be filled.
    pub(super) fn extend(&mut self, frames: usize) -> &mut [f32] {
        if self.start >= SPENT {
            self.samples.copy_within(self.start - HALF.., 0);
            self.samples.truncate(self.samples.len() + HALF - self.start);
            self.start = HALF;
        }
        let end = self.samples.len();
        self.samples.resize(end + frames, 0.0);
        &mut self.samples[end..]
    }

    /// Fills `out` from the next `out.len() + more` frames, which must wait, and [`LOOKAHEAD`](Self::LOOKAHEAD) besides
    /// unless `more` is 0.
    pub(super) fn take(&mut self, out: &mut [f32], more: i64) {
        let taken = (out.len() as i64 + more) as usize;
        if more == 0 {
            out.copy_from_slice(&self.samples[self.start..self.start + taken]);
        } else {
            let rate = taken as f64 / out.len() as f64;
            for (n, sample) in out.iter_mut().enumerate() {
                let at = n as f64 * rate;
                *sample = self.between(at as usize, at.fract());
            }
        }
        self.start += taken;
    }

    fn between(&self, whole: usize, fraction: f64) -> f32 {
        let first = self.start + whole + 1 - HALF;
        let samples = &self.samples[first..first + 2 * HALF];
        let step = fraction * STEPS as f64;
        let (row, part) = (step as usize, step.fract() as f32);
        let (low, high) = (&KERNEL[row], &KERNEL[(row + 1).min(STEPS)]);
        // In lanes, which the compiler turns into vectors.
        let mut lanes = [0f32; HALF];
        for side in [0, HALF] {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                let tap = side + lane;
                *sum += samples[tap] * (low[tap] + (high[tap] - low[tap]) * part);
            }
        }
        lanes.iter().sum()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.samples.clear();
        self.samples.resize(HALF, 0.0);
        self.start = HALF;
    }
}
