//! How much later a recording is than what it is a recording of.

use realfft::RealFftPlanner;

/// The delay found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay {
    /// Frames, with fractions; negative when the recording is earlier.
    pub frames: f64,
    /// The normalised correlation there: 1 is a perfect copy, −1 an inverted one, 0 nothing in common.
    pub correlation: f64,
}

/// The shift within ±`furthest` frames at which `recording` is most like `reference` (or its inverse), by
/// cross-correlation. Give it noise, speech or music: a steady tone is like itself after every period. `None` when
/// either is silent or empty.
pub fn delay(reference: &[f32], recording: &[f32], furthest: usize) -> Option<Delay> {
    let energy = |samples: &[f32]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
    let scale = (energy(reference) * energy(recording)).sqrt();
    if !scale.is_finite() || scale <= 0.0 {
        return None;
    }
    let length = (reference.len() + recording.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(length);
    let backward = planner.plan_fft_inverse(length);
    let spectrum = |samples: &[f32]| {
        let mut padded = vec![0f64; length];
        for (place, sample) in padded.iter_mut().zip(samples) {
            *place = f64::from(*sample);
        }
        let mut bins = forward.make_output_vec();
        forward.process(&mut padded, &mut bins).ok().map(|()| bins)
    };
    let reference_spectrum = spectrum(reference)?;
    let mut product = spectrum(recording)?;
    for (bin, other) in product.iter_mut().zip(&reference_spectrum) {
        *bin *= other.conj();
    }
    let last = product.len() - 1;
    product[0].im = 0.0;
    product[last].im = 0.0;
    let mut correlation = vec![0f64; length];
    backward.process(&mut product, &mut correlation).ok()?;

    let at = |shift: i64| correlation[shift.rem_euclid(length as i64) as usize] / length as f64;
    let later = furthest.min(recording.len().saturating_sub(1)) as i64;
    let earlier = furthest.min(reference.len().saturating_sub(1)) as i64;
    let best = (-earlier..=later).max_by(|a, b| at(*a).abs().total_cmp(&at(*b).abs()))?;
    let (before, peak, after) = (at(best - 1), at(best), at(best + 1));
    let curvature = before - 2.0 * peak + after;
    let fraction = if curvature.abs() > 0.0 {
        (0.5 * (before - after) / curvature).clamp(-0.5, 0.5)
    } else {
        0.0
    };
    Some(Delay {
        frames: best as f64 + fraction,
        correlation: peak / scale,
    })
}
