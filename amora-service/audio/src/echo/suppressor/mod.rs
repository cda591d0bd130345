//! Takes out what a canceller leaves of the echo, and fills the holes with a likeness of the room's noise.

mod gain;
mod near_end;
mod noise;
mod residual;
mod windows;

use super::BLOCK;
use super::kalman::spectrum::{BINS, SILENCE, Spectrum, Transform};
use gain::Gains;
use near_end::NearEnd;
use noise::{ComfortNoise, NoiseFloor};
use residual::Residual;
use windows::Windows;

pub(crate) use windows::DELAY;

/// Share of the predicted echo that is taken to be left while a talker is not yet believed in.
const DISBELIEVED: f32 = 0.3;

/// What a canceller knows of a block.
pub(crate) struct Cancelled<'a> {
    /// What it left of the microphone.
    pub(crate) error: &'a [f32; BLOCK],
    /// The echo it took out.
    pub(crate) echo: &'a [f32; BLOCK],
    /// Power of the echo it expects to have left, per bin of a window whose squares sum up to a block.
    pub(crate) uncertainty: &'a [f32; BINS],
    /// Share of the echo's power that it knows it left.
    pub(crate) proven: &'a [f32; BINS],
    /// How certain it is that the room just changed, 0 to 1.
    pub(crate) changed: f32,
}

/// A short-time Fourier filter over two blocks, [`DELAY`] late.
pub(crate) struct Suppressor {
    windows: Windows,
    error: [f32; BLOCK],
    echo: [f32; BLOCK],
    uncertainty: [f32; BINS],
    overlap: [f32; DELAY],
    residual: Residual,
    floor: NoiseFloor,
    comfort: ComfortNoise,
    near_end: NearEnd,
    gains: Gains,
    /// Gain of noise alone.
    noise_gain: f32,
}

impl Suppressor {
    /// `noise_gain` is what is left of the room's noise: 1 for all of it.
    pub(crate) fn new(noise_gain: f32) -> Self {
        Self {
            windows: Windows::new(),
            error: [0.0; BLOCK],
            echo: [0.0; BLOCK],
            uncertainty: [0.0; BINS],
            overlap: [0.0; DELAY],
            residual: Residual::new(),
            floor: NoiseFloor::new(),
            comfort: ComfortNoise::new(),
            near_end: NearEnd::default(),
            gains: Gains::new(),
            noise_gain,
        }
    }

    /// Forgets everything.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.noise_gain);
    }

    /// Writes a block that is [`DELAY`] late, without its echo; says how likely somebody talks in the room.
    pub(crate) fn process(
        &mut self,
        block: &Cancelled<'_>,
        transform: &mut Transform,
        output: &mut [f32; BLOCK],
    ) -> f32 {
        let mut spectrum = self.analyse(block.error, &self.error, transform);
        let power = powers(&spectrum);
        let echo = powers(&self.analyse(block.echo, &self.echo, transform));
        self.error = *block.error;
        self.echo = *block.echo;
        let mut uncertainty = [0.0; BINS];
        for (bin, value) in uncertainty.iter_mut().enumerate() {
            *value = 0.5 * (self.uncertainty[bin] + block.uncertainty[bin]);
        }
        self.uncertainty = *block.uncertainty;

        let mut left = self.residual.expect(&echo, &uncertainty, block.proven);
        self.residual.widen(block.changed, &mut left);
        let noise = *self.floor.track(&power, &left);
        let mut explained = noise;
        for (explained, left) in explained.iter_mut().zip(&left) {
            *explained += left;
        }
        let near = self.near_end.judge(&power, &explained) * (1.0 - block.changed);
        self.residual
            .widen(DISBELIEVED * self.near_end.disbelief(), &mut left);
        let gains = self.gains.update(&power, &left, &noise, near, self.noise_gain);
        for (bin, value) in spectrum.iter_mut().enumerate() {
            let gain = gains[bin];
            let hole = (self.noise_gain * self.noise_gain - gain * gain) * noise[bin];
            *value *= gain;
            if hole > 0.0 {
                *value += self.comfort.value(hole);
            }
        }
        self.residual.learn(&power, &noise, near);

        let (first, second) = transform.inverse(&spectrum);
        self.windows.overlap(first, second, &mut self.overlap, output);
        near
    }

    /// How much the latest block alone speaks for a talker, 0 to 1.
    pub(crate) fn near_end(&self) -> f32 {
        self.near_end.now()
    }

    fn analyse(&self, block: &[f32; BLOCK], before: &[f32; BLOCK], transform: &mut Transform) -> Spectrum {
        let mut first = *before;
        let mut second = *block;
        for index in 0..BLOCK {
            first[index] *= self.windows.analysis[index];
            second[index] *= self.windows.analysis[BLOCK + index];
        }
        let mut spectrum = SILENCE;
        transform.forward(&first, &second, &mut spectrum);
        spectrum
    }
}

fn powers(spectrum: &Spectrum) -> [f32; BINS] {
    std::array::from_fn(|bin| spectrum[bin].norm_sqr())
}
