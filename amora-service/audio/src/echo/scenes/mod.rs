//! Echo scenes: what a loudspeaker plays and what the microphone beside it hears, with every part known, and the
//! measures by which an echo canceller is judged. For tests and measurements.
//!
//! Everything is mono at [`RATE`], full scale ±1, and the same on every machine. What is said comes from outside:
//! `tests/speech` has speech.

mod hearing;
pub mod measures;
mod music;
mod resampling;
mod rooms;
#[cfg(test)]
#[path = "../../../tests/speech/mod.rs"]
pub mod speech;
#[cfg(test)]
mod tests;

pub use hearing::{Heard, hear};
pub use music::music;
pub use resampling::resample;
pub use rooms::{Shoebox, decaying, shoebox};

use super::{BLOCK, EchoCanceller};
use crate::analysis::rms;
use crate::card::room::{EchoPath, Random, bend};
use amora_contract::units::{Decibels, Hertz, PartsPerMillion};
use std::ops::Range;

/// Frames a second of every scene.
pub const RATE: Hertz = Hertz(48_000.0);

/// Frames in which one room becomes another.
const CHANGE: usize = BLOCK;

/// The frames in so many seconds.
pub fn frames(seconds: f64) -> usize {
    (seconds * RATE.0).round() as usize
}

/// What happens in a scene.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Seed of the noise.
    pub seed: u64,
    /// Impulse response from the loudspeaker to the microphone; its level does not matter.
    pub response: Vec<f32>,
    /// Root mean square of the echo over the whole scene, were the loudspeaker a true one.
    pub echo: Decibels,
    /// Root mean square of the microphone's noise, which is white.
    pub noise: Decibels,
    /// Frames by which the echo is later than the response says.
    pub late: usize,
    /// Level above which the loudspeaker bends the signal.
    pub knee: Option<Decibels>,
    /// How far the microphone's clock runs from the card's.
    pub drift: PartsPerMillion,
    /// From which frame on there is another response, and which.
    pub change: Option<(usize, Vec<f32>)>,
    /// When somebody near speaks, and how loud against the echo at that time.
    pub near: Option<(Range<usize>, Decibels)>,
}

impl Default for Plan {
    /// The plain scene: a reverberation of 100 ms, 5 ms of direct way, echo at −27 dBFS, noise at −66 dBFS, and nobody
    /// near.
    fn default() -> Self {
        Self {
            seed: 1,
            response: decaying(1, 0.1),
            echo: Decibels(-27.0),
            noise: Decibels(-66.0),
            late: 0,
            knee: None,
            drift: PartsPerMillion(0.0),
            change: None,
            near: None,
        }
    }
}

/// A scene with its parts, all of the same length: `microphone` is `echo` + `near` + noise.
#[derive(Debug, Clone)]
pub struct Scene {
    /// What left the card, by the card's clock.
    pub reference: Vec<f32>,
    /// What the microphone heard, by its own clock.
    pub microphone: Vec<f32>,
    /// The near talker in it.
    pub near: Vec<f32>,
    /// The echo in it.
    pub echo: Vec<f32>,
    /// When both speak.
    pub double_talk: Option<Range<usize>>,
}

/// Plays `far` in a room where `near` speaks by the plan; both are repeated where they are too short.
///
/// # Panics
///
/// When the plan asks for somebody near past the end of `far`, or with nothing to say.
pub fn play(plan: &Plan, far: &[f32], near: &[f32]) -> Scene {
    let length = far.len();
    let mut heard = echo(plan, far);
    let step = 1.0 / (1.0 + plan.drift.0 * 1e-6);
    if step != 1.0 {
        heard = resample(&heard, step, length);
    }
    let mut talker = vec![0.0; length];
    if let Some((span, level)) = &plan.near {
        for (sample, said) in talker[span.clone()].iter_mut().zip(near.iter().cycle()) {
            *sample = *said;
        }
        let wanted = Decibels(rms(&heard[span.clone()]).0 + level.0);
        set_level(&mut talker[span.clone()], wanted);
    }
    let noise = plan.noise.to_linear();
    let mut random = Random::new(plan.seed);
    let microphone = heard.iter().zip(&talker);
    Scene {
        microphone: microphone
            .map(|(echo, near)| echo + near + noise * random.gaussian())
            .collect(),
        reference: far.to_vec(),
        near: talker,
        echo: heard,
        double_talk: plan.near.as_ref().map(|(span, _)| span.clone()),
    }
}

/// What the microphone hears of the loudspeaker, by the card's clock.
fn echo(plan: &Plan, far: &[f32]) -> Vec<f32> {
    let truly = convolve(far, &plan.response);
    let gain = Decibels(plan.echo.0 - rms(&truly).0);
    let mut heard = match plan.knee {
        Some(knee) => {
            let bent: Vec<f32> = far.iter().map(|sample| bend(*sample, knee.to_linear())).collect();
            convolve(&bent, &plan.response)
        }
        None => truly,
    };
    scale(&mut heard, gain);
    if let Some((at, response)) = &plan.change {
        let mut after = convolve(far, response);
        let gain = Decibels(plan.echo.0 - rms(&after).0);
        scale(&mut after, gain);
        for (n, (sample, after)) in heard.iter_mut().zip(after).enumerate().skip(*at) {
            let share = ((n - at) as f32 / CHANGE as f32).min(1.0);
            *sample += share * (after - *sample);
        }
    }
    heard.splice(0..0, std::iter::repeat_n(0.0, plan.late));
    heard.truncate(far.len());
    heard
}

fn convolve(samples: &[f32], response: &[f32]) -> Vec<f32> {
    let mut path = EchoPath::new(response, BLOCK);
    let mut result = samples.to_vec();
    result.resize(samples.len().next_multiple_of(BLOCK), 0.0);
    for block in result.chunks_exact_mut(BLOCK) {
        path.process(block);
    }
    result.truncate(samples.len());
    result
}

/// Sets the root mean square of `samples`.
pub fn set_level(samples: &mut [f32], level: Decibels) {
    let gain = Decibels(level.0 - rms(samples).0);
    scale(samples, gain);
}

fn scale(samples: &mut [f32], gain: Decibels) {
    let gain = gain.to_linear();
    for sample in samples {
        *sample *= gain;
    }
}

/// What a canceller makes of a scene, its latency taken away: as long as the scene and on its time line.
pub fn cancel(scene: &Scene, canceller: &mut dyn EchoCanceller) -> Vec<f32> {
    let length = scene.microphone.len();
    let latency = canceller.latency().0 as usize;
    let blocks = (length + latency).div_ceil(BLOCK);
    let mut cleaned = Vec::with_capacity(blocks * BLOCK);
    let block_at = |samples: &[f32], at: usize| {
        std::array::from_fn(|n| samples.get(at * BLOCK + n).copied().unwrap_or(0.0))
    };
    for at in 0..blocks {
        let reference: [f32; BLOCK] = block_at(&scene.reference, at);
        let mut microphone: [f32; BLOCK] = block_at(&scene.microphone, at);
        canceller.process(&reference, &mut microphone);
        cleaned.extend_from_slice(&microphone);
    }
    cleaned.drain(..latency);
    cleaned.truncate(length);
    cleaned
}
