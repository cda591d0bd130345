//! What should not be in a programme: steps, clicks and gaps.

use amora_contract::units::{Decibels, Frames};

/// A jump from one sample to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Index of the sample after the jump.
    pub index: usize,
    /// Its size, where full scale is 1.
    pub size: f32,
}

/// The largest difference between neighbouring samples. A sine of amplitude a has none above a·2π·f/rate.
pub fn largest_step(samples: &[f32]) -> Step {
    let mut largest = Step { index: 0, size: 0.0 };
    for (index, pair) in samples.windows(2).enumerate() {
        let size = (pair[1] - pair[0]).abs();
        // What is no number is worse than any step.
        if size > largest.size || size.is_nan() {
            largest = Step {
                index: index + 1,
                size: if size.is_nan() { f32::INFINITY } else { size },
            };
        }
    }
    largest
}

/// A click: energy above the programme's own band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Click {
    /// Index of its strongest sample.
    pub index: usize,
    /// Size of the fourth difference there, in full scale.
    pub size: f32,
    /// How many times larger that is than what is usual around it.
    pub ratio: f32,
}

/// Samples on each side that tell what is usual.
const AROUND: usize = 256;

/// Fourth differences below this (−100 dB) are no click to anybody.
const INAUDIBLE: f32 = 1e-5;

/// Finds clicks: samples whose fourth difference is more than `ratio` times the median around it. The fourth
/// difference all but removes a programme of some kilohertz and below and keeps whatever jumps or bends sharply.
pub fn clicks(samples: &[f32], ratio: f32) -> Vec<Click> {
    let differences: Vec<f32> = samples
        .windows(5)
        .map(|w| (w[0] - 4.0 * w[1] + 6.0 * w[2] - 4.0 * w[3] + w[4]).abs())
        .collect();
    let mut found: Vec<Click> = Vec::new();
    for (block_index, block) in differences.chunks(AROUND).enumerate() {
        let start = block_index * AROUND;
        let from = start.saturating_sub(AROUND);
        let to = (start + block.len() + AROUND).min(differences.len());
        let mut sorted = differences[from..to].to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let usual = sorted[sorted.len() / 2].max(INAUDIBLE / ratio);
        for (n, size) in block.iter().enumerate() {
            if *size <= usual * ratio {
                continue;
            }
            let click = Click {
                index: start + n + 2,
                size: *size,
                ratio: size / usual,
            };
            match found.last_mut() {
                Some(last) if click.index - last.index < 8 => {
                    if click.size > last.size {
                        *last = click;
                    }
                }
                _ => found.push(click),
            }
        }
    }
    found
}

/// A stretch of silence inside a programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Index of its first sample.
    pub start: usize,
    /// Its length.
    pub length: Frames,
}

/// Finds stretches of at least `shortest` whose samples are all at or below `floor`, between the first and the
/// last sample above it. A tone crosses zero: `shortest` must be longer than its crossings.
pub fn gaps(samples: &[f32], floor: Decibels, shortest: Frames) -> Vec<Gap> {
    let floor = floor.to_linear();
    let mut gaps = Vec::new();
    let mut last_sound: Option<usize> = None;
    for (index, sample) in samples.iter().enumerate() {
        if sample.abs() <= floor {
            continue;
        }
        if let Some(last) = last_sound {
            let length = (index - last - 1) as u64;
            if length >= shortest.0.max(1) {
                gaps.push(Gap {
                    start: last + 1,
                    length: Frames(length),
                });
            }
        }
        last_sound = Some(index);
    }
    gaps
}
