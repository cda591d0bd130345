//! The ducker and the limiter.

use super::*;
use amora_contract::units::Millis;

#[test]
fn music_ducks_under_speech_and_comes_back() {
    let config = DuckingConfig::default();
    let mut bench = Bench::with(Decibels(0.0), &config);
    let mut story = bench.source(SourceKind::Story);
    let mut speech = bench.source(SourceKind::Speech);
    story.push(&sine(500.0, 0.5, 144_000));
    let mut left = bench.left(100);
    // Speech that is silent itself: only the story is heard.
    speech.push(&vec![0.0; 2 * 24_000]);
    speech.end();
    left.extend(bench.left(400));
    let at = |milliseconds: usize| {
        let from = milliseconds * 48;
        decibels_at(&left[from..from + 960], 500.0)
    };
    let latency = 3;
    assert!((at(480) + 6.02).abs() < 0.05, "before: {}", at(480));
    // Down within the attack of 30 ms, for as long as speech (500 ms) and hold (400 ms) last.
    for time in [500 + 30 + latency, 700, 990, 1350] {
        assert!(
            (at(time) + 24.02).abs() < 0.1,
            "ducked at {time} ms: {}",
            at(time)
        );
    }
    // Back up 300 ms after the hold.
    assert!(at(1540) > -23.0 && at(1540) < -7.0, "half way: {}", at(1540));
    assert!((at(1720) + 6.02).abs() < 0.05, "after: {}", at(1720));
    assert!(analysis::largest_step(&left[500..]).size <= own_step(500.0, 0.5) * 1.01);
    assert!(analysis::clicks(&left[1000..], 15.0).is_empty());
}

#[test]
fn only_what_is_less_important_is_ducked() {
    let mut bench = Bench::new();
    let mut writers: Vec<_> = [SourceKind::Page, SourceKind::Story, SourceKind::Chime]
        .into_iter()
        .zip([400.0, 700.0, 1100.0])
        .map(|(kind, frequency)| {
            let mut writer = bench.source(kind);
            writer.push(&sine(frequency, 0.2, 24_000));
            writer
        })
        .collect();
    let left = bench.left(90);
    let late = &left[14_400..19_200];
    assert!((decibels_at(late, 400.0) + 13.98).abs() < 0.05);
    assert!((decibels_at(late, 700.0) + 31.98).abs() < 0.1);
    assert!((decibels_at(late, 1100.0) + 31.98).abs() < 0.1);
    writers.clear();
}

#[test]
fn odd_ducking_settings_neither_click_nor_break() {
    for (gain, attack) in [(f32::NEG_INFINITY, 0), (f32::NAN, 1), (40.0, 0), (-1e30, 100_000)] {
        let config = DuckingConfig {
            gain: Decibels(gain),
            attack: Millis(attack),
            hold: Millis(0),
            release: Millis(0),
        };
        let mut bench = Bench::with(Decibels(0.0), &config);
        let mut story = bench.source(SourceKind::Story);
        let mut page = bench.source(SourceKind::Page);
        story.push(&sine(300.0, 0.5, 48_000));
        let mut left = bench.left(50);
        for _ in 0..5 {
            page.push(&[0.0; 2 * 1000]);
            page.end();
            left.extend(bench.left(20));
        }
        assert!(left.iter().all(|sample| sample.abs() <= 0.51));
        // 5 ms of S-curve over 96 dB fall steeply, yet no steeper than a tone of 1 kHz.
        assert!(
            analysis::largest_step(&left).size <= own_step(1000.0, 0.5),
            "{gain}"
        );
    }
}

#[test]
fn ducking_is_counted_once_per_time_that_music_is_turned_down() {
    let config = amora_contract::config::MusicConfig::default();
    let (mut music, player) = crate::music::channel(&config, Hertz(RATE));
    let mut mixer = Mixer::new(RATE, Decibels(0.0), &DuckingConfig::default(), Some(player));
    let (end, mut speech) = source(SourceKind::Speech, Frames(48_000), Frames(240));
    assert!(mixer.add(Box::new(Input::new(end, RATE))).is_ok());
    let mut ducked = 0;
    let mut output = [0.0; PERIOD * 2];
    for period in 0..400 {
        let now = period * 5_000_000;
        music.push(&[0.1; PERIOD * 2], now);
        if period == 100 || period == 250 {
            speech.push(&[0.1; 2 * 4800]);
            speech.end();
        }
        ducked += mixer.process(&mut output, now).ducked;
    }
    assert_eq!(ducked, 2);
}

#[test]
fn a_loud_tone_is_held_at_the_limit_with_little_distortion() {
    for (frequency, worst) in [(60.0, -50.0), (1000.0, -65.0), (8000.0, -65.0)] {
        let mut bench = Bench::with(Decibels(-1.0), &DuckingConfig::default());
        let mut writer = bench.source(SourceKind::Story);
        writer.push(&sine(frequency, 2.0, 96_000));
        let left = bench.left(390);
        let limit = Decibels(-1.0).to_linear();
        assert!(left.iter().all(|sample| sample.abs() <= limit));
        let tone = analysis::tone(&left[24_000..72_000], Hertz(RATE)).unwrap();
        assert!((tone.level.0 + 1.0).abs() < 0.3, "{frequency} Hz: {tone:?}");
        assert!(tone.distortion.0 < worst, "{frequency} Hz: {tone:?}");
    }
}

#[test]
fn the_limiter_takes_its_hands_off_again_completely() {
    let mut bench = Bench::with(Decibels(-6.0), &DuckingConfig::default());
    let mut writer = bench.source(SourceKind::Story);
    let mut sound = sine(300.0, 0.2, 144_000);
    for sample in &mut sound[19_200..19_400] {
        *sample *= 10.0;
    }
    writer.push(&sound);
    let output = bench.run(590);
    let latency = bench.mixer.latency() * 2;
    // Before the burst: exact. Two seconds after it: exact again.
    assert_eq!(output[1000 + latency..18_000], sound[1000..18_000 - latency]);
    assert_eq!(
        output[220_000 + latency..280_000],
        sound[220_000..280_000 - latency]
    );
}

#[test]
fn a_lowered_limit_holds_at_once() {
    let mut bench = Bench::with(Decibels(0.0), &DuckingConfig::default());
    let mut writer = bench.source(SourceKind::Story);
    writer.push(&sine(300.0, 0.9, 48_000));
    bench.run(20);
    bench.mixer.set_limit(Decibels(-12.0));
    let limit = Decibels(-12.0).to_linear();
    assert!(bench.run(50).iter().all(|sample| sample.abs() <= limit));
}

#[test]
fn the_gain_reduction_is_reported() {
    let mut bench = Bench::with(Decibels(0.0), &DuckingConfig::default());
    let mut writer = bench.source(SourceKind::Story);
    writer.push(&sine(300.0, 2.0, 48_000));
    let mut output = [0.0; PERIOD * 2];
    let lowest = (0..100)
        .map(|_| bench.mixer.process(&mut output, 0).limiting)
        .fold(1f32, f32::min);
    assert!((Decibels::from_linear(lowest).0 + 6.02).abs() < 0.1);
}
