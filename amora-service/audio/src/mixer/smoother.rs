//! A gain that moves without a step and without a kink.

/// Time constant of each of the two poles. Together they settle within 1 dB in some 25 ms and are silent to −60 dB
/// after 55 ms: quick under a finger on a slider, slow enough that the sidebands stay below 50 Hz.
const TIME_CONSTANT_SECONDS: f64 = 0.006;

/// Distance at which the target is taken for reached: a step of −110 dB.
const REACHED: f64 = 3e-6;

/// Two poles in series follow the target: whenever it changes, value and slope stay continuous.
#[derive(Debug, Clone)]
pub(crate) struct Smoother {
    coefficient: f64,
    target: f64,
    first: f64,
    value: f64,
}

impl Smoother {
    pub(crate) fn new(value: f32, rate: f64) -> Self {
        Self {
            coefficient: 1.0 - (-1.0 / (TIME_CONSTANT_SECONDS * rate)).exp(),
            target: f64::from(value),
            first: f64::from(value),
            value: f64::from(value),
        }
    }

    pub(crate) fn set_target(&mut self, target: f32) {
        self.target = f64::from(target);
    }

    /// Goes to `value` at once: for when nothing sounds.
    pub(crate) fn jump(&mut self, value: f32) {
        *self = Self {
            coefficient: self.coefficient,
            target: f64::from(value),
            first: f64::from(value),
            value: f64::from(value),
        };
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.value == self.target && self.first == self.target
    }

    pub(crate) fn value(&self) -> f32 {
        self.value as f32
    }

    fn next(&mut self) -> f32 {
        self.first += (self.target - self.first) * self.coefficient;
        self.value += (self.first - self.value) * self.coefficient;
        self.value as f32
    }

    /// Applies the gain to interleaved stereo. A settled gain of exactly 1 leaves every bit as it was.
    pub(crate) fn apply(&mut self, samples: &mut [f32]) {
        if self.is_settled() {
            let gain = self.value as f32;
            if gain != 1.0 {
                for sample in samples {
                    *sample *= gain;
                }
            }
            return;
        }
        for frame in samples.chunks_exact_mut(2) {
            let gain = self.next();
            frame[0] *= gain;
            frame[1] *= gain;
        }
        self.settle();
    }

    /// Lets the gain move on while there is nothing to apply it to.
    pub(crate) fn skip(&mut self, frames: usize) {
        if !self.is_settled() {
            for _ in 0..frames {
                self.next();
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        if (self.value - self.target).abs() < REACHED && (self.first - self.target).abs() < REACHED {
            self.first = self.target;
            self.value = self.target;
        }
    }
}
