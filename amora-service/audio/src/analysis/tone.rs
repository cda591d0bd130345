//! One tone: its pitch, its level, and everything that is not it.

use amora_contract::units::{Decibels, Hertz};
use realfft::RealFftPlanner;
use std::f64::consts::TAU;

/// Rounds of the fit; the second already is at the limit of 64-bit numbers.
const ROUNDS: usize = 6;

/// A tone that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// Its frequency.
    pub frequency: Hertz,
    /// Its peak against full scale.
    pub level: Decibels,
    /// Everything else (harmonics, noise, clicks) against the tone: THD+N.
    pub distortion: Decibels,
    /// Everything else against full scale, as a root mean square.
    pub residual: Decibels,
    /// Mean of the samples.
    pub offset: f64,
}

/// Finds the strongest tone: a sine fitted by least squares (IEEE Std 1057, four parameters), which tells the
/// frequency of a clean tone of half a second to millionths of a hertz. `None` when there is nothing but silence,
/// fewer than 64 samples, or what is no number.
pub fn tone(samples: &[f32], rate: Hertz) -> Option<Tone> {
    if samples.len() < 64 || samples.iter().any(|sample| !sample.is_finite()) {
        return None;
    }
    let mut turns = strongest(samples)?;
    for _ in 0..ROUNDS {
        let fit = Fit::new(samples, turns)?;
        turns += fit.correction.clamp(-0.5, 0.5) / samples.len() as f64;
    }
    let fit = Fit::new(samples, turns)?;
    let amplitude = fit.cosine.hypot(fit.sine);
    let squares: f64 = samples
        .iter()
        .enumerate()
        .map(|(n, sample)| (f64::from(*sample) - fit.at(n, turns)).powi(2))
        .sum();
    let residual = (squares / samples.len() as f64).sqrt();
    let decibels = |linear: f64| Decibels((20.0 * linear.log10()) as f32);
    Some(Tone {
        frequency: Hertz(turns * rate.0),
        level: decibels(amplitude),
        distortion: decibels(residual / (amplitude / 2f64.sqrt())),
        residual: decibels(residual),
        offset: fit.offset,
    })
}

/// The peak level of the part of `samples` that has exactly this frequency.
pub fn level_at(samples: &[f32], frequency: Hertz, rate: Hertz) -> Decibels {
    Fit::new(samples, frequency.0 / rate.0).map_or(Decibels(f32::NEG_INFINITY), |fit| {
        Decibels::from_linear(fit.cosine.hypot(fit.sine) as f32)
    })
}

/// The strongest frequency in turns per sample, to a small part of a bin.
fn strongest(samples: &[f32]) -> Option<f64> {
    let length = samples.len();
    let mut windowed: Vec<f64> = samples
        .iter()
        .enumerate()
        .map(|(n, sample)| f64::from(*sample) * (0.5 - 0.5 * (TAU * n as f64 / length as f64).cos()))
        .collect();
    let mut planner = RealFftPlanner::<f64>::new();
    let transform = planner.plan_fft_forward(length);
    let mut spectrum = transform.make_output_vec();
    transform.process(&mut windowed, &mut spectrum).ok()?;
    let power: Vec<f64> = spectrum.iter().map(|bin| bin.norm_sqr()).collect();
    let (bin, highest) = (2..power.len() - 1)
        .map(|bin| (bin, power[bin]))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    if highest <= 0.0 {
        return None;
    }
    // A Hann window's main lobe is nearly a parabola in decibels.
    let [before, at, after] = [power[bin - 1], highest, power[bin + 1]].map(|p| p.max(1e-300).ln());
    let curvature = before - 2.0 * at + after;
    let shift = if curvature < 0.0 {
        0.5 * (before - after) / curvature
    } else {
        0.0
    };
    Some((bin as f64 + shift) / length as f64)
}

/// `offset + cosine·cos + sine·sin`, and by how many turns over the whole length the frequency is off.
struct Fit {
    cosine: f64,
    sine: f64,
    offset: f64,
    correction: f64,
}

impl Fit {
    fn new(samples: &[f32], turns: f64) -> Option<Self> {
        let previous = Self::solve::<3>(samples, turns, None)?;
        let Some(all) = Self::solve::<4>(samples, turns, Some((previous[0], previous[1]))) else {
            return Some(Self {
                cosine: previous[0],
                sine: previous[1],
                offset: previous[2],
                correction: 0.0,
            });
        };
        Some(Self {
            cosine: previous[0],
            sine: previous[1],
            offset: previous[2],
            correction: all[3],
        })
    }

    fn at(&self, n: usize, turns: f64) -> f64 {
        let (sine, cosine) = (TAU * (turns * n as f64).fract()).sin_cos();
        self.offset + self.cosine * cosine + self.sine * sine
    }

    /// Normal equations for `N` parameters; the fourth is the frequency's derivative around `around`.
    fn solve<const N: usize>(samples: &[f32], turns: f64, around: Option<(f64, f64)>) -> Option<[f64; N]> {
        let mut matrix = [[0f64; N]; N];
        let mut right = [0f64; N];
        let length = samples.len() as f64;
        for (n, sample) in samples.iter().enumerate() {
            let (sine, cosine) = (TAU * (turns * n as f64).fract()).sin_cos();
            let mut row = [0f64; N];
            row[0] = cosine;
            row[1] = sine;
            row[2] = 1.0;
            if let Some((a, b)) = around {
                row[3] = TAU * n as f64 / length * (b * cosine - a * sine);
            }
            for i in 0..N {
                right[i] += row[i] * f64::from(*sample);
                for j in 0..N {
                    matrix[i][j] += row[i] * row[j];
                }
            }
        }
        eliminate(matrix, right)
    }
}

/// Gaussian elimination with pivoting.
fn eliminate<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot =
            (column..N).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        if matrix[pivot][column].abs() < 1e-12 {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let upper = matrix[column];
        for row in column + 1..N {
            let factor = matrix[row][column] / upper[column];
            for (below, above) in matrix[row].iter_mut().zip(upper) {
                *below -= factor * above;
            }
            right[row] -= factor * right[column];
        }
    }
    let mut result = [0f64; N];
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|k| matrix[row][k] * result[k]).sum();
        result[row] = (right[row] - known) / matrix[row][row];
    }
    Some(result)
}
