//! How well an echo was cancelled.

use super::{RATE, frames};
use crate::analysis::rms;
use amora_contract::units::{Decibels, Seconds};
use std::ops::Range;

/// Seconds over which an echo must be lowered in [`time_to`], and those over which it must stay so as a whole.
const WINDOW: f64 = 0.25;
const LASTING: f64 = 1.0;

/// Windows in which the microphone hears less than this say nothing.
const AUDIBLE: Decibels = Decibels(-50.0);

/// Echo return loss enhancement: by how much less comes out than the microphone heard, where nobody near speaks.
pub fn erle(microphone: &[f32], cleaned: &[f32]) -> Decibels {
    Decibels(rms(microphone).0 - rms(cleaned).0)
}

/// The same for each `window` frames; `None` where the microphone hears next to nothing.
pub fn erle_over_time(microphone: &[f32], cleaned: &[f32], window: usize) -> Vec<Option<Decibels>> {
    let windows = microphone.chunks(window).zip(cleaned.chunks(window));
    windows
        .map(|(microphone, cleaned)| (rms(microphone).0 > AUDIBLE.0).then(|| erle(microphone, cleaned)))
        .collect()
}

/// How long after the echo's first sound it is lowered by `wanted` over a quarter of a second and over the second from
/// there on. `None` when it never is.
pub fn time_to(wanted: Decibels, microphone: &[f32], cleaned: &[f32]) -> Option<Seconds> {
    let hop = frames(0.01);
    let window = frames(WINDOW);
    let loud = |span: &[f32]| rms(span).0 > AUDIBLE.0;
    let first = microphone.chunks(hop).position(loud)? * hop;
    let lowered = |span: Range<usize>| erle(&microphone[span.clone()], &cleaned[span]).0 >= wanted.0;
    let last = microphone.len().saturating_sub(frames(LASTING));
    let reached = (first..last).step_by(hop).find(|at| {
        loud(&microphone[*at..at + window]) && lowered(*at..at + window) && lowered(*at..at + frames(LASTING))
    })?;
    Some(Seconds((reached - first) as f64 / RATE.0))
}

/// Scale-invariant signal-to-distortion ratio (Le Roux et al., "SDR: half-baked or well done?", 2019) of what came out
/// against the near talker alone: everything that is not the talker, at whatever level, is distortion.
pub fn si_sdr(cleaned: &[f32], near: &[f32]) -> Decibels {
    let kept = gain(cleaned, near);
    let (mut signal, mut distortion) = (0.0, 0.0);
    for (cleaned, near) in cleaned.iter().zip(near) {
        let target = kept * f64::from(*near);
        signal += target * target;
        distortion += (f64::from(*cleaned) - target).powi(2);
    }
    Decibels((10.0 * (signal / distortion).log10()) as f32)
}

/// How much of the near talker's level is left in what came out: 0 is all.
pub fn level_kept(cleaned: &[f32], near: &[f32]) -> Decibels {
    Decibels::from_linear(gain(cleaned, near).abs() as f32)
}

/// The share of `near` in `cleaned`, by projection.
fn gain(cleaned: &[f32], near: &[f32]) -> f64 {
    let pairs = || {
        cleaned
            .iter()
            .zip(near)
            .map(|(cleaned, near)| (f64::from(*cleaned), f64::from(*near)))
    };
    let common: f64 = pairs().map(|(cleaned, near)| cleaned * near).sum();
    let energy: f64 = pairs().map(|(_, near)| near * near).sum();
    common / energy
}
