//! Resampling of whole recordings, more accurate than any converter.

use std::f64::consts::PI;

/// Half the length of the filter, in samples of what goes in.
const REACH: usize = 48;

/// Points of the filter between two samples; between points it is a straight line, off by less than −115 dB.
const POINTS: usize = 1024;

/// Kaiser's shape: what the filter stops is 100 dB down.
const SHAPE: f64 = 10.0;

/// Reads `samples` at 0, `step`, 2·`step` … `length` times; before and after them is silence. A `step` above 1 must
/// not leave anything above the new half rate: it is not filtered.
pub fn resample(samples: &[f32], step: f64, length: usize) -> Vec<f32> {
    let filter = filter();
    let at = |index: i64| usize::try_from(index).ok().and_then(|index| samples.get(index));
    (0..length)
        .map(|n| {
            let position = n as f64 * step;
            let whole = position.floor();
            let fraction = position - whole;
            let mut sum = 0.0;
            for tap in 1 - REACH as i64..=REACH as i64 {
                let Some(sample) = at(whole as i64 + tap) else {
                    continue;
                };
                let place = (tap as f64 - fraction).abs() * POINTS as f64;
                let point = place as usize;
                let weight = filter[point] + (place - point as f64) * (filter[point + 1] - filter[point]);
                sum += f64::from(*sample) * weight;
            }
            sum as f32
        })
        .collect()
}

/// One side of a sinc under Kaiser's window.
fn filter() -> Vec<f64> {
    (0..=REACH * POINTS + 1)
        .map(|point| {
            let offset = point as f64 / POINTS as f64;
            let inside = (1.0 - (offset / REACH as f64).powi(2)).max(0.0);
            let window = bessel(SHAPE * inside.sqrt()) / bessel(SHAPE);
            let sinc = if point == 0 {
                1.0
            } else {
                (PI * offset).sin() / (PI * offset)
            };
            sinc * window
        })
        .collect()
}

/// The modified Bessel function of the first kind, order 0.
fn bessel(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..50 {
        term *= quarter / f64::from(n * n);
        sum += term;
    }
    sum
}
