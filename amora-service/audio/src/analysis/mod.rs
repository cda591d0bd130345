//! Measuring sound: what tests and the sound test judge by.
//!
//! Everything takes mono samples, full scale ±1. [`channel`] takes one channel out of interleaved frames.

mod delay;
mod flaws;
#[cfg(test)]
mod tests;
mod tone;

pub use delay::{Delay, delay};
pub use flaws::{Click, Gap, Step, clicks, gaps, largest_step};
pub use tone::{Tone, level_at, tone};

use amora_contract::units::Decibels;

/// One channel of interleaved frames.
pub fn channel(samples: &[f32], channel: usize, channels: usize) -> Vec<f32> {
    samples.iter().skip(channel).step_by(channels).copied().collect()
}

/// The highest sample's size.
pub fn peak(samples: &[f32]) -> Decibels {
    Decibels::from_linear(samples.iter().fold(0f32, |peak, sample| peak.max(sample.abs())))
}

/// The root mean square: a full-scale sine has −3.01 dB.
pub fn rms(samples: &[f32]) -> Decibels {
    let squares: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    Decibels::from_linear((squares / samples.len().max(1) as f64).sqrt() as f32)
}
