//! Whatever comes in: never above the limit, never anything but a number.

use super::*;
use proptest::prelude::*;

fn hostile_sample() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -1.5f32..1.5,
        1 => any::<f32>(),
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, -0.0]),
    ]
}

fn signal() -> impl Strategy<Value = Vec<f32>> {
    // Few distinct values, repeated in runs: loud steps as well as noise.
    prop::collection::vec((hostile_sample(), 1usize..400), 1..40).prop_map(|runs| {
        runs.into_iter()
            .flat_map(|(sample, length)| std::iter::repeat_n(sample, length * 2))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn never_above_the_limit_and_never_no_number(
        first in signal(),
        second in signal(),
        limit in -40f32..6.0,
        volume in -60f32..12.0,
        period in 1usize..600,
        flush in any::<bool>(),
    ) {
        let limit = Decibels(limit);
        let mut bench = Bench::with(limit, &DuckingConfig::default());
        bench.mixer.set_volume(gain_factor(Decibels(volume)));
        let mut a = bench.source(SourceKind::Story);
        let mut b = bench.source(SourceKind::Page);
        a.push(&first);
        b.push(&second);
        b.end();
        let ceiling = Decibels(limit.0.min(0.0)).to_linear();
        let mut output = vec![0.0; period * 2];
        for turn in 0..20_000usize.div_ceil(period) {
            if flush && turn == 7 {
                a.flush();
            }
            bench.mixer.process(&mut output, 0);
            prop_assert!(output.iter().all(|sample| sample.abs() <= ceiling));
        }
    }

    #[test]
    fn the_limiter_never_overshoots_and_never_amplifies(
        samples in prop::collection::vec(-16f32..16.0, 2..6000),
        limit in -30f32..0.0,
    ) {
        let mut limiter = Limiter::new(Decibels(limit), RATE);
        let ceiling = Decibels(limit).to_linear();
        let latency = limiter.latency();
        let mut output: Vec<f32> = samples[..samples.len() / 2 * 2].to_vec();
        let input = output.clone();
        output.extend(std::iter::repeat_n(0.0, latency * 2));
        limiter.process(&mut output);
        for (late, sample) in output[latency * 2..].iter().zip(&input) {
            prop_assert!(late.abs() <= ceiling);
            prop_assert!(late.abs() <= sample.abs());
            prop_assert!(late.signum() == sample.signum() || *late == 0.0);
        }
    }
}
