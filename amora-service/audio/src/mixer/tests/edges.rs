//! Beginnings, ends, and what lies exactly between.

use super::*;

const FADE: usize = 240;

#[test]
fn mixing_is_exact_to_the_bit() {
    let mut bench = Bench::new();
    let kind = SourceKind::Story;
    let (mut a, mut b) = (bench.source(kind), bench.source(kind));
    let first: Vec<f32> = sine(440.0, 0.3, 48_000);
    let second: Vec<f32> = sine(613.7, 0.4, 48_000);
    a.push(&first);
    b.push(&second);
    let output = bench.run(200);
    let latency = bench.mixer.latency();
    for n in FADE * 2..(48_000 - latency) * 2 {
        let expected = first[n] + second[n];
        assert_eq!(
            output[n + latency * 2].to_bits(),
            expected.to_bits(),
            "sample {n}"
        );
    }
}

#[test]
fn one_source_passes_unchanged_and_right_stays_right() {
    let mut bench = Bench::new();
    let mut writer = bench.source(SourceKind::Speech);
    let sound = sine(1000.0, 0.9, 4800);
    writer.push(&sound);
    let output = bench.run(20);
    let latency = bench.mixer.latency() * 2;
    assert_eq!(
        output[latency + FADE * 2..],
        sound[FADE * 2..sound.len() - latency]
    );
}

/// A source that stops dead in the middle of a loud tone, with nothing said.
fn cut_tone(frequency: f64) -> (Bench, SourceWriter, Vec<f32>) {
    let mut bench = Bench::new();
    let mut writer = bench.source(SourceKind::Speech);
    writer.push(&sine(frequency, 0.8, 10_007));
    let output = bench.left(60);
    (bench, writer, output)
}

#[test]
fn a_source_that_runs_dry_fades_without_a_step() {
    for frequency in [60.0, 440.0, 997.0, 5000.0] {
        let (_, _, output) = cut_tone(frequency);
        let step = analysis::largest_step(&output).size;
        assert!(step <= own_step(frequency, 0.8) * 1.02, "{frequency} Hz: {step}");
        assert!(output[10_007 + FADE + 200..].iter().all(|sample| *sample == 0.0));
        assert!(output[10_007 + 144 + 60].abs() > 0.0, "it stopped at once");
    }
}

#[test]
fn it_fades_in_again_and_counts_one_underrun() {
    let mut bench = Bench::new();
    let mut writer = bench.source(SourceKind::Speech);
    writer.push(&sine(440.0, 0.8, 1001));
    let mut output = vec![0.0; PERIOD * 2];
    let mut left = Vec::new();
    let mut underruns = 0;
    for period in 0..40 {
        if period == 20 {
            writer.push(&sine(440.0, 0.8, 2000)[200..]);
            writer.end();
        }
        underruns += bench.mixer.process(&mut output, 0).underruns;
        left.extend(analysis::channel(&output, 0, 2));
    }
    assert_eq!(underruns, 1);
    assert!(analysis::largest_step(&left).size <= own_step(440.0, 0.8) * 1.02);
    assert!(analysis::peak(&left[20 * PERIOD + 500..]).0 > -3.0);
    assert!(writer.is_drained());
}

#[test]
fn a_source_that_comes_back_while_it_still_fades_makes_no_step() {
    let mut bench = Bench::new();
    let mut writer = bench.source(SourceKind::Speech);
    writer.push(&sine(440.0, 0.8, 1001));
    let mut left = bench.left(5);
    writer.push(&sine(440.0, 0.8, 4800)[402..]);
    left.extend(bench.left(30));
    // Tail and beginning overlap: at worst both slopes add.
    assert!(analysis::largest_step(&left).size <= own_step(440.0, 0.8) * 1.5);
}

#[test]
fn ending_is_no_underrun_and_plays_to_the_last_frame() {
    let mut bench = Bench::new();
    let mut writer = bench.source(SourceKind::Chime);
    // Shorter than the prefill: only the end mark lets it start.
    writer.push(&sine(440.0, 0.5, 100));
    assert!(bench.left(2).iter().all(|sample| *sample == 0.0));
    writer.end();
    let mut output = vec![0.0; PERIOD * 4];
    let mixed = bench.mixer.process(&mut output, 0);
    assert_eq!(mixed.underruns, 0);
    assert!(mixed.sounding[SourceKind::Chime as usize]);
    assert_eq!(writer.queued(), Frames(0));
}

#[test]
fn flushing_fades_what_sounds_and_plays_what_comes_after() {
    let mut bench = Bench::new();
    let mut writer = bench.source(SourceKind::Speech);
    writer.push(&sine(440.0, 0.8, 20_000));
    let mut left = bench.left(10);
    writer.flush();
    writer.push(&sine(880.0, 0.1, 10_000));
    left.extend(bench.left(50));
    assert!(analysis::largest_step(&left).size <= own_step(440.0, 0.8) * 1.05);
    let after = &left[10 * PERIOD + FADE + 200..10 * PERIOD + 9000];
    let tone = analysis::tone(after, Hertz(RATE)).unwrap();
    assert!((tone.frequency.0 - 880.0).abs() < 0.01, "{tone:?}");
}

#[test]
fn a_dropped_writer_is_played_out_and_removed() {
    let mut bench = Bench::new();
    let mut writer = bench.source(SourceKind::Chime);
    writer.push(&sine(440.0, 0.5, 1000));
    drop(writer);
    assert!(bench.mixer.take_finished().is_none());
    let heard = bench.left(8);
    assert!(analysis::peak(&heard[600..1000]).0 > -7.0);
    assert!(bench.mixer.take_finished().is_some());
    assert!(bench.mixer.take_finished().is_none());
}

#[test]
fn a_volume_change_makes_neither_step_nor_zipper() {
    for (from, to) in [(1.0, 0.0), (0.0, 1.0), (0.1, 1.0), (1.0, 0.5)] {
        let mut bench = Bench::new();
        bench.mixer.volume.jump(from);
        let mut writer = bench.source(SourceKind::Story);
        writer.push(&sine(100.0, 0.9, 60_000));
        let mut left = bench.left(20);
        bench.mixer.set_volume(to);
        left.extend(bench.left(200));
        // The ramp's own slope: at most the gain's change over its two time constants.
        let ramp = 0.9 / (0.006 * RATE) as f32;
        assert!(analysis::largest_step(&left).size <= own_step(100.0, 0.9) + ramp);
        let before_change = 4000;
        assert!(analysis::clicks(&left[before_change..], 20.0).is_empty());
        let after = &left[left.len() - 9600..];
        if to > 0.0 {
            let expected = 20.0 * (0.9 * to).log10();
            assert!((decibels_at(after, 100.0) - expected).abs() < 0.01);
        } else {
            assert!(after.iter().all(|sample| *sample == 0.0));
        }
    }
}

#[test]
fn a_finger_on_the_slider_makes_no_zipper() {
    let mut bench = Bench::new();
    let mut writer = bench.source(SourceKind::Story);
    writer.push(&sine(100.0, 0.9, 96_000));
    let mut left = bench.left(10);
    // 30 settings a second, each half a decibel lower.
    for step in 1..40 {
        bench.mixer.set_volume(Decibels(-0.5 * step as f32).to_linear());
        left.extend(bench.left(7));
    }
    assert!(analysis::largest_step(&left[300..]).size <= own_step(100.0, 0.9) * 1.02);
    assert!(analysis::clicks(&left[1000..], 20.0).is_empty());
}

#[test]
fn a_sources_own_gain_is_ramped_and_bounded() {
    let mut bench = Bench::new();
    let mut writer = bench.source(SourceKind::Story);
    writer.push(&sine(440.0, 0.1, 60_000));
    let mut left = bench.left(20);
    writer.set_gain(Decibels(-20.0));
    left.extend(bench.left(60));
    assert!((decibels_at(&left[60 * PERIOD..], 440.0) + 40.0).abs() < 0.01);
    writer.set_gain(Decibels(60.0));
    let loud = bench.left(60);
    assert!((decibels_at(&loud[40 * PERIOD..], 440.0) + 8.0).abs() < 0.01);
    left.extend(loud);
    assert!(analysis::largest_step(&left).size < own_step(440.0, 0.5));
    writer.set_gain(Decibels(f32::NAN));
    bench.left(60);
    assert!(bench.left(5).iter().all(|sample| *sample == 0.0));
}
