//! Finds how late the echo is: cross-correlation with the phase transform (GCC-PHAT) at a quarter of the rate.

use crate::echo::BLOCK;
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// 48 kHz become 12 kHz: speech and music have most of what tells a delay below 4.5 kHz.
const DECIMATION: usize = 4;

/// Samples of the low-pass before it.
const TAPS: usize = 48;

/// Samples at the low rate that the microphone is looked at by: 341 ms.
const WINDOW: usize = 4096;

/// An echo may be reported this early (100 ms) and this late (500 ms).
const EARLIEST: usize = 1200;
const LATEST: usize = 6000;

const LENGTH: usize = 16_384;

/// What is looked at of the reference.
const SPAN: usize = EARLIEST + WINDOW + LATEST;

/// Blocks between two looks.
const INTERVAL: u32 = 25;

/// The part of what earlier looks found that counts still.
const MEMORY: f32 = 0.7;

/// Bins of 150 Hz and 4.5 kHz.
const BAND: std::ops::Range<usize> = 205..6144;

/// Mean square of a reference, and of a microphone, in which nothing can be found: −66 and −90 dB.
const SILENT: (f32, f32) = (2.5e-7, 1e-9);

/// The highest point of the correlation must stand out of the rest so many times,
const OUTSTANDING: f32 = 7.0;

/// and be so many times as high as the next that is not part of it,
const DISTINCT: f32 = 1.4;

/// which is so far away at least: 3 ms.
const NEIGHBOURHOOD: usize = 36;

/// Looks agree when they find the same to 2 ms.
const AGREEMENT: f64 = 96.0;

/// Looks in a row that must agree before a delay is believed, and before one that is believed gives way to another. Each
/// look remembers the ones before it, so what resembles by chance for a moment agrees with itself for a second.
const FIRST: u32 = 3;
const ANOTHER: u32 = 8;

/// Looks after which an echo that is found no more is taken to be gone: three seconds of sound.
const GONE: u32 = 12;

/// A quarter-rate signal and its latest past.
struct Decimator {
    filter: [f32; TAPS],
    past: [f32; TAPS],
}

impl Decimator {
    fn new() -> Self {
        let cutoff = 4800.0 / 48_000.0f32;
        let mut filter: [f32; TAPS] = std::array::from_fn(|n| {
            let x = n as f32 - (TAPS as f32 - 1.0) / 2.0;
            let turn = std::f32::consts::PI;
            let window = 0.5 + 0.5 * (turn * x / (TAPS as f32 / 2.0)).cos();
            (2.0 * turn * cutoff * x).sin() / (turn * x) * window
        });
        let sum: f32 = filter.iter().sum();
        filter.iter_mut().for_each(|tap| *tap /= sum);
        Self {
            filter,
            past: [0.0; TAPS],
        }
    }

    fn process(&mut self, block: &[f32; BLOCK], out: &mut Vec<f32>) {
        let mut samples = [0.0; TAPS + BLOCK];
        samples[..TAPS].copy_from_slice(&self.past);
        samples[TAPS..].copy_from_slice(block);
        for end in (DECIMATION..=BLOCK).step_by(DECIMATION) {
            let window = &samples[end..end + TAPS];
            out.push(window.iter().zip(&self.filter).map(|(a, b)| a * b).sum());
        }
        self.past.copy_from_slice(&samples[BLOCK..]);
    }
}

/// The transforms of a look, and room for what they work on.
struct Transforms {
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    scratch: Vec<Complex32>,
    time: Vec<f32>,
    reference: Vec<Complex32>,
    heard: Vec<Complex32>,
    /// Both ends fade: two edges would be found to resemble each other more than any music.
    reference_window: Vec<f32>,
    heard_window: Vec<f32>,
}

impl Transforms {
    fn new() -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(LENGTH);
        let backward = planner.plan_fft_inverse(LENGTH);
        let scratch = forward.get_scratch_len().max(backward.get_scratch_len());
        Self {
            scratch: vec![Complex32::default(); scratch],
            time: forward.make_input_vec(),
            reference: forward.make_output_vec(),
            heard: forward.make_output_vec(),
            forward,
            backward,
            reference_window: window(SPAN, EARLIEST),
            heard_window: window(WINDOW, WINDOW / 2),
        }
    }

    /// The spectra of both.
    fn analyse(&mut self, reference: &[f32], heard: &[f32]) -> (&[Complex32], &[Complex32]) {
        for (samples, window, spectrum) in [
            (reference, &self.reference_window, &mut self.reference),
            (heard, &self.heard_window, &mut self.heard),
        ] {
            self.time.fill(0.0);
            for ((place, sample), gain) in self.time.iter_mut().zip(samples).zip(window) {
                *place = sample * gain;
            }
            // Lengths are the plan's own, so this cannot fail.
            let _ = self
                .forward
                .process_with_scratch(&mut self.time, spectrum, &mut self.scratch);
        }
        (&self.reference, &self.heard)
    }

    /// What is behind a spectrum whose first and last values are real.
    fn correlate(&mut self, cross: &[Complex32]) -> &[f32] {
        self.heard.copy_from_slice(cross);
        let _ = self
            .backward
            .process_with_scratch(&mut self.heard, &mut self.time, &mut self.scratch);
        &self.time
    }
}

/// A window of so many samples that rises and falls over so many, as Hann's does.
fn window(length: usize, fade: usize) -> Vec<f32> {
    let gain = |n: usize| {
        let part = ((n.min(length - 1 - n) as f32 + 0.5) / fade as f32).min(1.0);
        0.5 - 0.5 * (std::f32::consts::PI * part).cos()
    };
    (0..length).map(gain).collect()
}

pub(super) struct Search {
    transforms: Transforms,
    decimators: [Decimator; 2],
    /// What was leaving the card by the marks alone, and what the microphone heard, at the low rate.
    lines: [Vec<f32>; 2],
    cross: Vec<Complex32>,
    until_look: u32,
    found: Option<f64>,
    /// Another delay, and the looks that agreed on it.
    candidate: Option<(f64, u32)>,
    /// Looks since the delay that is believed was seen.
    unseen: u32,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search")
            .field("found", &self.found)
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}

impl Search {
    pub(super) fn new() -> Self {
        let transforms = Transforms::new();
        Self {
            cross: vec![Complex32::default(); transforms.heard.len()],
            transforms,
            decimators: [Decimator::new(), Decimator::new()],
            lines: Default::default(),
            until_look: INTERVAL,
            found: None,
            candidate: None,
            unseen: 0,
        }
    }

    /// Forgets what was found, and the past.
    pub(super) fn restart(&mut self) {
        for line in &mut self.lines {
            line.clear();
        }
        self.cross.fill(Complex32::default());
        self.found = None;
        self.candidate = None;
        self.unseen = 0;
        self.until_look = INTERVAL;
    }

    /// Frames by which the echo comes later than the reference; negative when it comes earlier, which only a wrong
    /// report can cause.
    pub(super) fn found(&self) -> Option<f64> {
        self.found
    }

    /// Whether the echo has been found lately, as far as the box sounded.
    pub(super) fn hears_echo(&self) -> bool {
        self.found.is_some() && self.unseen < GONE
    }

    /// Takes note of a block. Costs three transforms every quarter of a second while the far end sounds.
    pub(super) fn observe(&mut self, reference: &[f32; BLOCK], microphone: &[f32; BLOCK]) {
        let [from_card, heard] = &mut self.lines;
        self.decimators[0].process(reference, from_card);
        self.decimators[1].process(microphone, heard);
        if from_card.len() < SPAN {
            return;
        }
        let excess = from_card.len() - SPAN;
        from_card.drain(..excess);
        heard.drain(..excess);
        self.until_look = self.until_look.saturating_sub(1);
        if self.until_look == 0 {
            self.until_look = INTERVAL;
            self.look();
        }
    }

    fn look(&mut self) {
        let mean_square = |samples: &[f32]| samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32;
        let window = LATEST..LATEST + WINDOW;
        if mean_square(&self.lines[0][window.clone()]) < SILENT.0
            || mean_square(&self.lines[1][window.clone()]) < SILENT.1
        {
            return;
        }
        let (reference, heard) = self.transforms.analyse(&self.lines[0], &self.lines[1][window]);
        for bin in BAND {
            // Phases alone: over several looks they add up where the way of the echo is steady.
            let look = heard[bin] * reference[bin].conj();
            let look = look / look.norm().max(1e-20);
            self.cross[bin] = self.cross[bin] * MEMORY + look * (1.0 - MEMORY);
        }
        // A quiet or a busy moment changes nothing.
        self.unseen = self.unseen.saturating_add(1);
        if let Some(peak) = self.peak() {
            self.consider(peak);
        }
    }

    fn consider(&mut self, peak: f64) {
        let agrees = |other: f64| (other - peak).abs() <= AGREEMENT;
        if self.found.is_some_and(agrees) {
            self.found = Some(peak);
            self.candidate = None;
            self.unseen = 0;
            return;
        }
        let looks = match self.candidate {
            Some((delay, looks)) if agrees(delay) => looks + 1,
            _ => 1,
        };
        self.candidate = Some((peak, looks));
        if looks >= if self.found.is_some() { ANOTHER } else { FIRST } {
            self.found = Some(peak);
            self.candidate = None;
            self.unseen = 0;
        }
    }

    /// The lag, in frames, at which the two are most alike, if one stands out.
    fn peak(&mut self) -> Option<f64> {
        let correlation = self.transforms.correlate(&self.cross);
        // The microphone's window starts LATEST samples into the reference: index −LATEST is a lag of that much.
        let at = |lag: i64| correlation[(lag - LATEST as i64).rem_euclid(LENGTH as i64) as usize].abs();
        let lags = -(EARLIEST as i64)..=LATEST as i64;
        let best = lags.clone().max_by(|a, b| at(*a).total_cmp(&at(*b)))?;
        let others = || {
            lags.clone()
                .filter(|lag| lag.abs_diff(best) > NEIGHBOURHOOD as u64)
        };
        let square = others().map(|lag| at(lag).powi(2)).sum::<f32>() / others().count() as f32;
        let next = others().map(at).fold(0.0, f32::max);
        let stands_out = at(best) > OUTSTANDING * square.sqrt() && at(best) > DISTINCT * next;
        stands_out.then_some((best * DECIMATION as i64) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hearing::tests::{Noise, programme};

    /// Seconds until an echo `delay` frames late is found, with `noise` of that amplitude, and what was found.
    fn find(sound: &[f32], delay: i64, noise: f32) -> Option<(f64, f64)> {
        let mut search = Search::new();
        let mut random = Noise(3);
        for start in (0..sound.len() - BLOCK).step_by(BLOCK) {
            let reference = std::array::from_fn(|n| sound[start + n]);
            let heard = std::array::from_fn(|n| {
                let index = (start + n) as i64 - delay;
                let echo = |index: i64| sound.get(index as usize).copied().unwrap_or(0.0);
                0.1 * echo(index) - 0.05 * echo(index - 200) + noise * random.next()
            });
            search.observe(&reference, &heard);
            if let Some(found) = search.found() {
                return Some((start as f64 / 48_000.0, found));
            }
        }
        None
    }

    #[test]
    fn an_early_or_late_echo_is_found_within_two_seconds() {
        let sound = programme(3 * 48_000, 1);
        for delay in [-4000, -48, 0, 240, 5760, 12_000, 23_000] {
            let (after, found) = find(&sound, delay, 0.001).expect("nothing found");
            assert!((found - delay as f64).abs() <= 8.0, "{found} instead of {delay}");
            assert!(after < 2.0, "{after} s");
        }
    }

    #[test]
    fn the_edges_of_what_is_looked_at_resemble_nothing() {
        let mut search = Search::new();
        let mut random = Noise(4);
        // A tone that rises from 200 Hz to 6 kHz in twenty seconds, and somebody who hums.
        let tone = |n: usize, frequency: f64, rise: f64| {
            let time = n as f64 / 48_000.0;
            let phase = std::f64::consts::TAU * frequency * ((rise * time).exp() - 1.0) / rise;
            (0.1 * phase.sin()) as f32
        };
        for start in (0..20 * 48_000).step_by(BLOCK) {
            let reference = std::array::from_fn(|n| tone(start + n, 200.0, 0.17));
            let heard = std::array::from_fn(|n| tone(start + n, 310.0, 0.01) + 5e-4 * random.next());
            search.observe(&reference, &heard);
            assert_eq!(search.found(), None, "after {start} frames");
        }
    }

    #[test]
    fn nothing_is_found_in_what_is_not_there() {
        assert_eq!(find(&vec![0.0; 240_000], 1000, 0.01), None);
        let mut search = Search::new();
        let (mut one, mut other) = (Noise(1), Noise(2));
        for _ in 0..6000 {
            let reference = std::array::from_fn(|_| 0.1 * one.next());
            let heard = std::array::from_fn(|_| 0.1 * other.next());
            search.observe(&reference, &heard);
            assert_eq!(search.found(), None);
        }
    }
}
