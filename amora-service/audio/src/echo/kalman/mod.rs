//! Our own echo canceller: a Kalman filter of the room and of a loudspeaker that is driven too far, and a suppressor of
//! what that leaves.

pub(crate) mod bands;
mod change;
mod emphasis;
mod figures;
mod filter;
mod mismatch;
mod paths;
mod reference;
pub(crate) mod spectrum;
#[cfg(test)]
mod tests;

use super::suppressor::{Cancelled, DELAY, Suppressor};
use super::{BLOCK, EchoCanceller};
use amora_contract::units::{Decibels, Frames};
use emphasis::{DeEmphasis, Emphasis, de_emphasis_powers};
use figures::Meter;
use paths::Paths;
use reference::Reference;
use spectrum::{BINS, Transform};

pub use figures::Figures;

/// What comes in is taken for no louder than this: full scale is 1, and resampling may pass it a little.
const LOUDEST: f32 = 8.0;

/// How the canceller is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How long an echo may be late, with its reverberation, to be cancelled. What comes later is suppressed.
    pub tail: Frames,
    /// Whether what the filter leaves is suppressed. Costs 5 ms of latency.
    pub suppress: bool,
    /// Gain of the room's noise under the suppressor, which is also the level of its comfort noise.
    pub noise: Decibels,
}

impl Default for Settings {
    /// 200 ms, suppressed, noise 10 dB down.
    fn default() -> Self {
        Self {
            tail: Frames(9_600),
            suppress: true,
            noise: Decibels(-10.0),
        }
    }
}

/// The canceller. It allocates when it is made and never again.
pub struct KalmanCanceller {
    transform: Transform,
    reference: Reference,
    emphasis: Emphasis,
    de_emphasis: DeEmphasis,
    de_emphasis_powers: [f32; BINS],
    paths: Paths,
    suppressor: Option<Suppressor>,
    meter: Meter,
}

impl KalmanCanceller {
    /// A canceller that knows nothing of the room.
    pub fn new(settings: Settings) -> Self {
        let partitions = (settings.tail.0 as usize).div_ceil(BLOCK).max(2);
        let reference = Reference::new(partitions);
        Self {
            transform: Transform::new(),
            emphasis: Emphasis::default(),
            de_emphasis: DeEmphasis::default(),
            de_emphasis_powers: de_emphasis_powers(),
            paths: Paths::new(&reference),
            reference,
            suppressor: settings
                .suppress
                .then(|| Suppressor::new(settings.noise.to_linear())),
            meter: Meter::default(),
        }
    }

    /// What it knows of itself, as of the latest block.
    pub fn figures(&self) -> Figures {
        self.meter.figures()
    }

    /// What the filter takes for echo in a block, and what is left without it.
    fn cancel(
        &mut self,
        reference: &[f32; BLOCK],
        microphone: &[f32; BLOCK],
    ) -> ([f32; BLOCK], [f32; BLOCK]) {
        self.reference.push(reference, &mut self.transform);
        let mut emphasised = *microphone;
        self.emphasis.apply(&mut emphasised);
        let mut echo = [0.0; BLOCK];
        self.paths
            .process(&self.reference, &emphasised, &mut self.transform, &mut echo);
        self.de_emphasis.apply(&mut echo);
        let error = std::array::from_fn(|n| microphone[n] - echo[n]);
        (echo, error)
    }

    /// What comes out for a block, and how likely somebody talks in it where that is judged.
    fn suppress(&mut self, echo: &[f32; BLOCK], error: &[f32; BLOCK]) -> ([f32; BLOCK], Option<f32>) {
        let Some(suppressor) = &mut self.suppressor else {
            return (*error, None);
        };
        // A whole window of the reference holds two blocks, the suppressor's as much power as one.
        let mut uncertainty = [0.0; BINS];
        self.paths.uncertainty(&mut uncertainty);
        for (power, shape) in uncertainty.iter_mut().zip(&self.de_emphasis_powers) {
            *power *= 0.5 * shape;
        }
        let block = Cancelled {
            error,
            echo,
            uncertainty: &uncertainty,
            proven: self.paths.proven(),
            changed: self.paths.changed(),
        };
        let mut cleaned = [0.0; BLOCK];
        let near_end = suppressor.process(&block, &mut self.transform, &mut cleaned);
        (cleaned, Some(near_end))
    }
}

impl EchoCanceller for KalmanCanceller {
    fn process(&mut self, reference: &[f32; BLOCK], microphone: &mut [f32; BLOCK]) {
        let (played, heard) = (sound(reference), sound(microphone));
        let (echo, error) = self.cancel(&played, &heard);
        let (cleaned, near_end) = self.suppress(&echo, &error);
        self.meter.count(&heard, &echo, &error, &cleaned, near_end);
        *microphone = cleaned;
        if !self.paths.is_sound() {
            self.restart();
        }
    }

    fn restart(&mut self) {
        self.reference.restart();
        self.emphasis = Emphasis::default();
        self.de_emphasis = DeEmphasis::default();
        self.paths.restart();
        if let Some(suppressor) = &mut self.suppressor {
            suppressor.restart();
        }
        self.meter = Meter::default();
    }

    fn near_end(&self) -> Option<f32> {
        self.suppressor.as_ref().map(Suppressor::near_end)
    }

    fn latency(&self) -> Frames {
        Frames(if self.suppressor.is_some() {
            DELAY as u64
        } else {
            0
        })
    }
}

/// The block without what is no number, so that it never gets into what is remembered.
fn sound(block: &[f32; BLOCK]) -> [f32; BLOCK] {
    block.map(|sample| {
        if sample.is_finite() {
            sample.clamp(-LOUDEST, LOUDEST)
        } else {
            0.0
        }
    })
}
