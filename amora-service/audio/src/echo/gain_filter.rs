//! Gains of single frequencies, applied to a stream by a short filter of linear phase.
//!
//! What is put together again from short-time spectra comes a whole block late. A filter with the same gains is late by half
//! its length alone, at the price of a coarser resolution: H. W. Löllmann and P. Vary, "Uniform and warped low delay
//! filter-banks for speech enhancement", Speech Communication 49 (2007).

use super::BLOCK;
use super::kalman::spectrum::{BINS, LENGTH, SILENCE, Spectrum, Transform};
use realfft::num_complex::Complex32;
use std::f32::consts::PI;

/// Frames by which what comes out is late: half the filter's length, 2.5 ms.
pub(crate) const DELAY: usize = 120;

/// Frames in which one filter becomes the next.
const FADE: usize = BLOCK / 2;

/// The filter in force, and the block before the next one.
pub(crate) struct GainFilter {
    /// One side of the window that cuts a response to twice the delay.
    taper: [f32; DELAY + 1],
    filter: Spectrum,
    before: [f32; BLOCK],
}

impl GainFilter {
    /// A filter that lets everything pass.
    pub(crate) fn new() -> Self {
        let step = PI / (DELAY + 1) as f32;
        let turn = -2.0 * PI / LENGTH as f32;
        Self {
            taper: std::array::from_fn(|lag| 0.5 + 0.5 * (step * lag as f32).cos()),
            filter: std::array::from_fn(|bin| {
                Complex32::from_polar(1.0, turn * (DELAY * bin % LENGTH) as f32)
            }),
            before: [0.0; BLOCK],
        }
    }

    /// Filters a block in place, late by [`DELAY`]. `gains` are those of a window over the block before and this one; they
    /// take over within the block's first half.
    pub(crate) fn process(
        &mut self,
        gains: &[f32; BINS],
        block: &mut [f32; BLOCK],
        transform: &mut Transform,
    ) {
        let mut input = SILENCE;
        transform.forward(&self.before, block, &mut input);
        self.before = *block;
        let next = self.design(gains, transform);
        let faded_out = filtered(&input, &self.filter, transform);
        *block = filtered(&input, &next, transform);
        for (n, (sample, old)) in block.iter_mut().zip(faded_out).take(FADE).enumerate() {
            let part = (n + 1) as f32 / FADE as f32;
            *sample = old + part * (*sample - old);
        }
        self.filter = next;
    }

    /// The filter with these gains, as nearly as its length allows.
    fn design(&self, gains: &[f32; BINS], transform: &mut Transform) -> Spectrum {
        let (response, _) = transform.inverse(&gains.map(|gain| Complex32::new(gain, 0.0)));
        let mut taps = [0.0; BLOCK];
        for (lag, taper) in self.taper.iter().enumerate() {
            taps[DELAY - lag] = taper * response[lag];
            taps[DELAY + lag] = taper * response[lag];
        }
        let mut filter = SILENCE;
        transform.forward(&taps, &[0.0; BLOCK], &mut filter);
        filter
    }
}

/// What a filter makes of a block: the second half of overlap and save.
fn filtered(input: &Spectrum, filter: &Spectrum, transform: &mut Transform) -> [f32; BLOCK] {
    let product = std::array::from_fn(|bin| input[bin] * filter[bin]);
    let (_, output) = transform.inverse(&product);
    std::array::from_fn(|n| output[n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;
    use amora_contract::units::Hertz;

    fn run(sound: &[f32], mut gains: impl FnMut(usize) -> [f32; BINS]) -> Vec<f32> {
        let mut transform = Transform::new();
        let mut filter = GainFilter::new();
        let mut filtered = Vec::new();
        for (n, block) in sound.chunks_exact(BLOCK).enumerate() {
            let mut block: [f32; BLOCK] = std::array::from_fn(|k| block[k]);
            filter.process(&gains(n), &mut block, &mut transform);
            filtered.extend_from_slice(&block);
        }
        filtered
    }

    fn sine(frequency: f64, frames: usize) -> Vec<f32> {
        (0..frames)
            .map(|n| (0.5 * (std::f64::consts::TAU * frequency * n as f64 / 48_000.0).sin()) as f32)
            .collect()
    }

    #[test]
    fn gains_of_one_are_a_delay() {
        let mut state = 1u32;
        let sound: Vec<f32> = (0..48_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state as f32 / u32::MAX as f32 - 0.5
            })
            .collect();
        let filtered = run(&sound, |_| [1.0; BINS]);
        for (n, sample) in filtered.iter().enumerate().skip(DELAY) {
            assert!((sample - sound[n - DELAY]).abs() < 1e-5, "{n}");
        }
    }

    #[test]
    fn a_tone_gets_the_gain_of_its_frequency() {
        // Twice as much above 4 kHz as below 2 kHz; a straight line between.
        let gains = std::array::from_fn(|bin| (0.25 + (bin as f32 - 40.0) / 160.0).clamp(0.25, 0.5));
        for (frequency, gain) in [(500.0, 0.25), (1500.0, 0.25), (3000.0, 0.375), (8000.0, 0.5)] {
            let filtered = run(&sine(frequency, 48_000), |_| gains);
            let tone = analysis::tone(&filtered[4800..], Hertz(48_000.0)).unwrap();
            let expected = 20.0 * (0.5 * gain as f32).log10();
            assert!((tone.level.0 - expected).abs() < 0.1, "{frequency} Hz: {tone:?}");
            assert!(tone.distortion.0 < -80.0, "{tone:?}");
        }
    }

    #[test]
    fn gains_change_without_a_step() {
        let filtered = run(&sine(440.0, 96_000), |n| {
            [if n / 3 % 2 == 0 { 1.0 } else { 0.1 }; BINS]
        });
        let own = 0.5 * std::f32::consts::TAU * 440.0 / 48_000.0;
        let step = analysis::largest_step(&filtered);
        assert!(step.size < 1.2 * own, "{step:?}, the tone's own is {own}");
    }
}
