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

/// Two looks that agree to 2 ms have found it.
const AGREEMENT: f64 = 96.0;

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

pub(super) struct Search {
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    decimators: [Decimator; 2],
    /// What was leaving the card by the marks alone, and what the microphone heard, at the low rate.
    lines: [Vec<f32>; 2],
    cross: Vec<Complex32>,
    until_look: u32,
    last: Option<f64>,
    found: Option<f64>,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search")
            .field("last", &self.last)
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

impl Search {
    pub(super) fn new() -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(LENGTH);
        Self {
            cross: forward.make_output_vec(),
            forward,
            backward: planner.plan_fft_inverse(LENGTH),
            decimators: [Decimator::new(), Decimator::new()],
            lines: Default::default(),
            until_look: INTERVAL,
            last: None,
            found: None,
        }
    }

    /// Forgets what was found, and the past.
    pub(super) fn restart(&mut self) {
        for line in &mut self.lines {
            line.clear();
        }
        self.look_again();
        self.until_look = INTERVAL;
    }

    /// Forgets what was found.
    pub(super) fn look_again(&mut self) {
        self.cross.fill(Complex32::default());
        self.last = None;
        self.found = None;
    }

    /// Frames by which the echo comes later than the reference; negative when it comes earlier, which only a wrong
    /// report can cause.
    pub(super) fn found(&self) -> Option<f64> {
        self.found
    }

    /// Takes note of a block. Costs three transforms every quarter of a second while the far end sounds.
    pub(super) fn observe(&mut self, reference: &[f32; BLOCK], microphone: &[f32; BLOCK]) {
        let [from_card, heard] = &mut self.lines;
        self.decimators[0].process(reference, from_card);
        self.decimators[1].process(microphone, heard);
        let kept = EARLIEST + WINDOW + LATEST;
        if from_card.len() < kept {
            return;
        }
        let excess = from_card.len() - kept;
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
        let reference = self.spectrum(&self.lines[0]);
        let heard = self.spectrum(&self.lines[1][window]);
        for bin in BAND {
            // Phases alone: over several looks they add up where the way of the echo is steady.
            let look = heard[bin] * reference[bin].conj();
            let look = look / look.norm().max(1e-20);
            self.cross[bin] = self.cross[bin] * MEMORY + look * (1.0 - MEMORY);
        }
        let peak = self.peak();
        self.found = match (self.last, peak) {
            (Some(last), Some(now)) if (last - now).abs() <= AGREEMENT => Some(now),
            (_, Some(_)) => None,
            // A quiet or a busy moment changes nothing.
            (_, None) => self.found,
        };
        self.last = peak.or(self.last);
    }

    fn spectrum(&self, samples: &[f32]) -> Vec<Complex32> {
        let mut padded = vec![0.0; LENGTH];
        padded[..samples.len()].copy_from_slice(samples);
        let mut spectrum = self.forward.make_output_vec();
        // Lengths are the plan's own, so this cannot fail.
        let _ = self.forward.process(&mut padded, &mut spectrum);
        spectrum
    }

    /// The lag, in frames, at which the two are most alike, if one stands out.
    fn peak(&self) -> Option<f64> {
        let mut cross = self.cross.clone();
        let mut correlation = vec![0.0; LENGTH];
        self.backward.process(&mut cross, &mut correlation).ok()?;
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
