use super::*;
use amora_contract::units::{Frames, Hertz};
use std::f64::consts::TAU;

const RATE: Hertz = Hertz(48_000.0);

fn sine(frequency: f64, amplitude: f64, length: usize) -> Vec<f32> {
    (0..length)
        .map(|n| (amplitude * (TAU * frequency * n as f64 / RATE.0 + 0.3).sin()) as f32)
        .collect()
}

fn noise(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

#[test]
fn a_tone_is_measured_to_a_thousandth_of_a_hertz() {
    for frequency in [50.0, 440.0, 997.123, 1000.2, 12_345.678] {
        let found = tone(&sine(frequency, 0.1, 24_000), RATE).unwrap();
        assert!((found.frequency.0 - frequency).abs() < 1e-3, "{found:?}");
        assert!((found.level.0 + 20.0).abs() < 1e-3, "{found:?}");
        assert!(found.distortion.0 < -120.0, "{found:?}");
    }
}

#[test]
fn distortion_is_what_was_added() {
    let mut samples = sine(1000.0, 0.5, 48_000);
    for (sample, third) in samples.iter_mut().zip(sine(3000.0, 0.005, 48_000)) {
        *sample += third;
    }
    let found = tone(&samples, RATE).unwrap();
    assert!((found.distortion.0 + 40.0).abs() < 0.01, "{found:?}");
    assert!((level_at(&samples, Hertz(3000.0), RATE).0 + 46.02).abs() < 0.01);
}

#[test]
fn nothing_is_found_where_nothing_is() {
    assert_eq!(tone(&[0.0; 4800], RATE), None);
    assert_eq!(tone(&[], RATE), None);
    assert_eq!(tone(&[f32::NAN; 100], RATE), None);
    assert_eq!(delay(&[0.0; 100], &[1.0; 100], 10), None);
    assert_eq!(peak(&[]).0, f32::NEG_INFINITY);
    assert!(clicks(&[], 10.0).is_empty());
}

#[test]
fn levels_are_peak_and_root_mean_square() {
    let samples = sine(1000.0, 1.0, 48_000);
    assert!(peak(&samples).0.abs() < 0.01);
    assert!((rms(&samples).0 + 3.01).abs() < 0.01);
}

#[test]
fn a_click_and_a_gap_are_found_where_they_are() {
    let mut samples = sine(440.0, 0.5, 48_000);
    assert!(clicks(&samples, 10.0).is_empty());
    let clean = largest_step(&samples).size;
    for sample in &mut samples[20_000..] {
        *sample += 0.1;
    }
    let found = clicks(&samples, 10.0);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].index.abs_diff(20_000) <= 3);
    assert!(largest_step(&samples).size > clean * 1.5);

    samples[30_000..30_100].fill(0.0);
    let found = gaps(&samples, Decibels(-80.0), Frames(20));
    assert_eq!(found.len(), 1);
    assert!(found[0].start.abs_diff(30_000) <= 1 && found[0].length.0 >= 100);
}

#[test]
fn a_click_of_minus_60_decibels_in_a_tone_is_found() {
    let mut samples = sine(1000.0, 0.5, 48_000);
    samples[24_000] += 0.0005;
    assert_eq!(clicks(&samples, 10.0).len(), 1);
}

#[test]
fn delay_is_found_to_a_fraction_of_a_frame_in_noise_and_inverted() {
    let reference = noise(7, 20_000);
    let other = noise(8, 20_000);
    let mut recording = vec![0f32; 20_000];
    for n in 1..20_000 {
        let late = if n >= 481 {
            (reference[n - 480] + reference[n - 481]) / 2.0
        } else {
            0.0
        };
        recording[n] = -0.3 * late + 0.3 * other[n];
    }
    let found = delay(&reference, &recording, 2000).unwrap();
    assert!((found.frames - 480.5).abs() < 0.05, "{found:?}");
    assert!(found.correlation < -0.35);
    assert!((delay(&recording, &reference, 2000).unwrap().frames + 480.5).abs() < 0.05);
}
