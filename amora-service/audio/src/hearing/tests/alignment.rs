//! Reference and microphone on one time line, whatever the card does.

use super::*;

/// The room's echo: 5 ms. Where its clocks differ the room's microphone hears everything 16 frames late.
fn echo_delay(drift: f64) -> f64 {
    if drift == 0.0 { 240.0 } else { 256.0 }
}

#[test]
fn one_clock_is_neither_resampled_nor_touched() {
    let spy = Spy::default();
    let mut bench = Bench::new(&room(0.0), spy.options(), programme(48_000 * 7, 1));
    bench.run(30.0);
    bench.assert_whole();
    let figures = bench.figures();
    assert_eq!(
        (figures.drift.0, figures.resampling, figures.breaks),
        (0.0, false, 0)
    );
    let raw: Vec<f32> = bench.raw.iter().flat_map(|block| block.samples).collect();
    assert!(raw.len() > 29 * 48_000 && raw == bench.gave[..raw.len()]);
    assert!((spy.delay(2.0) - 240.0).abs() < 1.0, "{}", spy.delay(2.0));
    // Bit for bit what left the card.
    let spied = spy.0.lock().unwrap();
    let left = &spied.reference[96_000..144_000];
    let start = bench
        .sound
        .windows(3)
        .position(|w| w == &left[..3])
        .expect("not what was played");
    assert!((0..left.len()).all(|n| left[n] == bench.sound[(start + n) % bench.sound.len()]));
}

#[test]
fn two_clocks_are_brought_together() {
    for drift in [-200.0, 30.0, 100.0] {
        let spy = Spy::default();
        let mut bench = Bench::new(&room(drift), spy.options(), programme(48_000 * 7, 2));
        bench.run(10.0);
        let figures = bench.figures();
        assert!(
            (figures.drift.0 - drift).abs() < 2.0,
            "{} instead of {drift} ppm",
            figures.drift.0
        );
        assert!(figures.resampling);
        bench.run(20.0);
        for _ in 0..3 {
            bench.run(2.0);
            let off = spy.delay(1.0) - echo_delay(drift);
            assert!(off.abs() < 2.0, "{drift} ppm: {off} frames off");
        }
        let figures = bench.figures();
        assert!(
            (figures.drift.0 - drift).abs() < 0.3 && figures.drift_settled,
            "{figures:?}"
        );
        assert_eq!((figures.breaks, figures.without_reference), (0, 0));
        bench.assert_whole();
        let raw: Vec<f32> = bench.raw.iter().flat_map(|block| block.samples).collect();
        assert!(
            raw == bench.gave[..raw.len()],
            "the raw bus is what the microphone gave"
        );
    }
}

#[test]
fn jitter_of_the_reports_is_no_drift_and_no_break() {
    for drift in [0.0, 100.0] {
        let spy = Spy::default();
        let mut bench = Bench::new(&room(drift), spy.options(), programme(48_000 * 7, 3));
        bench.lies.jitter.store(48, Ordering::Relaxed);
        bench.run(40.0);
        let figures = bench.figures();
        assert!(
            (figures.drift.0 - drift).abs() < 2.0,
            "{} instead of {drift} ppm",
            figures.drift.0
        );
        assert_eq!((figures.breaks, figures.without_reference), (0, 0));
        let off = spy.delay(2.0) - echo_delay(drift);
        // A mean of four reports is where it starts from.
        assert!(off.abs() < 24.0, "{drift} ppm: {off} frames off");
        bench.assert_whole();
    }
}

#[test]
fn a_break_is_noticed_and_what_follows_is_aligned_again() {
    for drift in [0.0, 100.0] {
        let spy = Spy::default();
        let mut bench = Bench::new(&room(drift), spy.options(), programme(48_000 * 7, 4));
        bench.run(5.0);
        let restarts = || spy.0.lock().unwrap().restarts.len();
        let mut before = (bench.figures().breaks, restarts());
        for fault in 0..5 {
            match fault {
                0 => bench.room.cause_xruns(1),
                1 => bench.room.cause_xruns(3),
                2 => bench.room.stall(Duration::from_millis(400)),
                3 => {
                    bench.room.set_unplugged(true);
                    bench.run(1.0);
                    assert!(bench.mounted.is_none());
                    bench.room.stall(Duration::from_secs(2));
                    bench.plug();
                }
                _ => {
                    // Nobody reads for more than the second that the streams hold.
                    bench.turn_unheard(300);
                }
            }
            bench.run(3.0);
            let after = (bench.figures().breaks, restarts());
            assert!(
                after.0 > before.0 && after.1 > before.1,
                "fault {fault} was not noticed: {after:?}"
            );
            before = after;
            let off = spy.delay(1.0) - echo_delay(drift);
            assert!(off.abs() < 3.0, "{drift} ppm, fault {fault}: {off} frames off");
        }
        let figures = bench.figures();
        let lost = figures.lost_microphone.0;
        assert!((20_000..30_000).contains(&lost), "{lost} frames");
        assert!((figures.drift.0 - drift).abs() < 2.0, "{figures:?}");
        // Silence stands for what was lost; nothing else is missing.
        bench.assert_whole();
    }
}

#[test]
fn a_reference_is_right_or_missing_around_a_break() {
    let spy = Spy::default();
    let mut bench = Bench::new(&room(0.0), spy.options(), programme(48_000 * 7, 5));
    for _ in 0..8 {
        bench.run(2.0);
        bench.room.cause_xruns(1);
    }
    bench.run(2.0);
    let spied = spy.0.lock().unwrap();
    let mut judged = 0;
    for start in (48_000..spied.microphone.len() - 4800).step_by(4800) {
        let (reference, heard) = (
            &spied.reference[start..start + 4800],
            &spied.microphone[start..start + 4800],
        );
        let broken = spied.restarts.iter().any(|at| (start..start + 7200).contains(at));
        if broken || crate::analysis::rms(heard).0 < -50.0 {
            continue;
        }
        let delay = crate::analysis::delay(reference, heard, 2400).unwrap();
        assert!((delay.frames - 240.0).abs() < 2.0, "at {start}: {delay:?}");
        judged += 1;
    }
    assert!(judged > 80, "{judged}");
}

#[test]
fn a_wrong_report_is_found_out() {
    for (lie, drift) in [(5760, 0.0), (-700, 0.0), (14_400, 100.0)] {
        let spy = Spy::default();
        let mut bench = Bench::new(&room(drift), spy.options(), programme(48_000 * 7, 6));
        // A card that reports too little: the echo is late.
        let late = if lie > 0 {
            bench.slot = RoomSlot::new(
                &RoomConfig {
                    echo_delay: Millis(lie as u64 / 48),
                    ..room(drift)
                },
                Hertz(48_000.0),
                Frames(240),
                3,
                Pace::Free,
            );
            bench.room = bench.slot.room();
            bench.plug();
            true
        } else {
            bench.lies.constant.store(-lie, Ordering::Relaxed);
            false
        };
        bench.run(5.0);
        let figures = bench.figures();
        assert_eq!(figures.realigned, 1, "{figures:?}");
        let off = spy.delay(1.0);
        assert!(
            (24.0..=480.0).contains(&off),
            "late {late}: {off} frames after the reference"
        );
        bench.run(10.0);
        assert_eq!(bench.figures().realigned, 1, "it stays where it is");
        bench.assert_whole();
    }
}

/// Five minutes of turns without a card: where the reference is read from against where it should be.
#[test]
fn the_reference_stays_where_it_belongs_and_nothing_piles_up() {
    let drift = 63e-6;
    let mut timeline = timeline::Timeline::new(RATE);
    let ramp: Vec<f32> = vec![0.0; 480];
    let (mut captured, mut blocks) = (0u64, 0u32);
    for turn in 1..60_000u64 {
        let written = 240 * turn;
        let played = written.saturating_sub(720);
        let now = (played as f64 * (1.0 + drift)) as u64;
        let mark = Mark {
            position: captured,
            frames: (now - captured) as usize,
            written,
            turn: Turn {
                captured: Frames(now - captured),
                playback_delay: Frames(written - played),
                capture_delay: Frames(0),
                nanoseconds: (played as f64 / 48_000.0 * 1e9) as u64,
            },
        };
        timeline.play(
            &Mark {
                position: written - 240,
                frames: 240,
                ..mark
            },
            &ramp,
            2,
        );
        if mark.frames > 0 {
            timeline.hear(&mark, &ramp[..mark.frames]);
            captured = now;
        }
        while let Some(pair) = timeline.next() {
            blocks += 1;
            assert!(pair.reference.is_some());
            let expected = (pair.position + 480) as f64 / (1.0 + drift);
            // Delays are told in whole frames, rounded to one side.
            let off = timeline.place() - expected - 0.5;
            assert!(
                pair.position < 480_000 || off.abs() < 0.4,
                "block {blocks}: {off} frames"
            );
        }
    }
    assert!(blocks > 29_900);
    assert!((timeline.drift() - drift).abs() < 1e-7);
    assert_eq!(timeline.counts(), timeline::Counts::default());
    assert!(timeline.waiting() < 2 * 480);
}
