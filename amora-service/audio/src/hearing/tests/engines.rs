//! Engines: what drift costs them, how they change, how they fail.

use super::*;
use crate::analysis;

#[test]
fn a_linear_canceller_works_as_well_with_drift_as_without() {
    // The room's microphone resamples coarsely above 15 kHz, where this has nothing.
    let mut sound = programme(48_000 * 7, 1);
    for _ in 0..2 {
        let mut low = 0f32;
        for sample in &mut sound {
            low += 0.2 * (*sample - low);
            *sample = 2.0 * low;
        }
    }
    let reduction = |drift: f64| {
        let mut bench = Bench::new(&room(drift), plain(EchoEngine::Kalman), sound.clone());
        bench.run(12.0);
        bench.reduction(2.0)
    };
    let still = reduction(0.0);
    assert!(still > 25.0, "{still} dB");
    for drift in [-200.0, 100.0] {
        let moving = reduction(drift);
        assert!(
            moving > still - 3.0,
            "{drift} ppm: {moving} dB instead of {still} dB"
        );
    }
}

#[test]
fn a_late_echo_is_cancelled_as_well_as_an_early_one() {
    let late = RoomConfig {
        echo_delay: Millis(120),
        ..room(0.0)
    };
    let mut bench = Bench::new(&late, plain(EchoEngine::Kalman), programme(48_000 * 7, 1));
    bench.run(12.0);
    assert!(bench.reduction(2.0) > 25.0, "{:?}", bench.figures());
}

#[test]
fn every_engine_works_here() {
    for (engine, least) in [
        (EchoEngine::Speex, 15.0),
        (EchoEngine::Aec3, 20.0),
        (EchoEngine::Kalman, 20.0),
    ] {
        for delay in [5, 120] {
            let mut config = VoiceConfig::default();
            config.echo.engine = engine;
            let options = HearingOptions::from_config(&config);
            let late = RoomConfig {
                echo_delay: Millis(delay),
                ..room(100.0)
            };
            let mut bench = Bench::new(&late, options, programme(48_000 * 7, 1));
            bench.run(8.0);
            let figures = bench.figures();
            assert_eq!(figures.failures, 0, "{figures:?}");
            let reduction = bench.reduction(2.0);
            assert!(
                reduction > least,
                "{engine:?}, {delay} ms: {reduction} dB, {figures:?}"
            );
        }
    }
}

/// Sine of 440 Hz as the talker in a room that plays nothing.
fn tone(frames: usize) -> Vec<f32> {
    (0..frames)
        .map(|n| (0.3 * (std::f64::consts::TAU * 440.0 / 48_000.0 * n as f64).sin()) as f32)
        .collect()
}

#[test]
fn changing_the_engine_makes_no_step() {
    let quiet = RoomConfig {
        noise: Decibels(f32::NEG_INFINITY),
        ..room(0.0)
    };
    // Another latency for each.
    let make =
        |kind: Kind| -> Box<dyn EchoCanceller> { Box::new(Plain::new(0.0, 160 * (kind as usize + 1))) };
    let mut bench = Bench::new(&quiet, options(EchoEngine::Speex, make), Vec::new());
    bench.room.say(&tone(48_000 * 9));
    bench.run(1.0);
    for engine in [
        EchoEngine::Kalman,
        EchoEngine::Speex,
        EchoEngine::Off,
        EchoEngine::Aec3,
        EchoEngine::Kalman,
    ] {
        bench.hearing.set_engine(engine);
        bench.run(1.4);
    }
    bench.assert_positions_but(160);
    let clean: Vec<f32> = bench.clean[50..].iter().flat_map(|block| block.samples).collect();
    let step = analysis::largest_step(&clean);
    let own = 0.3 * std::f32::consts::TAU * 440.0 / 48_000.0;
    assert!(
        step.size < 1.02 * own,
        "a step of {} at {}; the tone's own is {own}",
        step.size,
        step.index
    );
    assert!(analysis::clicks(&clean, 20.0).is_empty());
    assert_eq!(bench.figures().changes, 6);
    assert_eq!(bench.figures().failures, 0);
}

impl Bench {
    /// The clean bus never goes forward by more than a block, and back only where an engine is later than all before.
    fn assert_positions_but(&self, latency: i64) {
        for pair in self.clean.windows(2) {
            let step = pair[1].position - pair[0].position;
            assert!(
                step == 480 || (step < 480 && (480 - step) % latency == 0),
                "{step}"
            );
        }
    }
}

/// Panics, or puts out what is no number, after a while.
struct Faulty {
    blocks: u32,
    panics: bool,
}

impl EchoCanceller for Faulty {
    fn process(&mut self, _: &[f32; BLOCK], microphone: &mut [f32; BLOCK]) {
        self.blocks += 1;
        for sample in microphone.iter_mut() {
            *sample *= 0.1;
        }
        if self.blocks == 200 {
            assert!(!self.panics, "as it must");
            microphone[7] = f32::NAN;
        }
    }

    fn restart(&mut self) {}

    fn latency(&self) -> Frames {
        Frames(100)
    }
}

#[test]
fn a_failing_engine_lets_the_microphone_pass() {
    for panics in [false, true] {
        let quiet = RoomConfig {
            noise: Decibels(f32::NEG_INFINITY),
            ..room(0.0)
        };
        let make = move |_| -> Box<dyn EchoCanceller> { Box::new(Faulty { blocks: 0, panics }) };
        let mut bench = Bench::new(&quiet, options(EchoEngine::Kalman, make), Vec::new());
        bench.room.say(&tone(48_000 * 5));
        bench.run(5.0);
        let figures = bench.figures();
        assert_eq!((figures.failures, figures.engine), (1, None), "{figures:?}");
        assert!(figures.why.contains("does not work"), "{}", figures.why);
        assert_eq!(bench.raw.len(), bench.clean.len());
        let clean: Vec<f32> = bench.clean[20..].iter().flat_map(|block| block.samples).collect();
        assert!(clean.iter().all(|sample| sample.is_finite()));
        let end = analysis::rms(&clean[clean.len() - 48_000..]).0;
        assert!((end + 13.5).abs() < 0.2, "{end} dB");
        let own = 0.3 * std::f32::consts::TAU * 440.0 / 48_000.0;
        let step = analysis::largest_step(&clean);
        assert!(step.size < 1.5 * own, "a step of {} at {}", step.size, step.index);
    }
}

#[test]
fn auto_goes_to_the_next_engine_when_one_is_missing_or_useless() {
    // Kalman is not there, AEC3 takes nothing away.
    let factory: EngineFactory = Box::new(|kind| match kind {
        Kind::Kalman => Err("it was not built".to_owned()),
        Kind::Aec3 => Ok(Box::new(Plain::new(0.0, 0))),
        Kind::Speex => Ok(Box::new(Plain::new(0.5, 0))),
    });
    let mut bench = Bench::new(&room(0.0), HearingOptions::new(factory), programme(48_000 * 7, 1));
    assert_eq!(bench.figures().engine, Some(Kind::Aec3));
    bench.run(15.0);
    let figures = bench.figures();
    assert_eq!(
        (figures.engine, figures.failures),
        (Some(Kind::Speex), 1),
        "{figures:?}"
    );
    assert!(figures.why.contains("aec3 took only 0 dB"), "{}", figures.why);
    assert!(bench.events.iter().any(|event| matches!(
        event,
        HearingEvent::EngineChanged {
            engine: Some(Kind::Speex),
            ..
        }
    )));
    assert!(bench.reduction(1.0) > 15.0);
    bench.assert_whole();
}

/// The order in which auto tries the engines rests on this.
#[test]
fn the_first_choice_is_the_best_where_it_is_hard() {
    let loud: Vec<f32> = programme(48_000 * 6, 1)
        .iter()
        .map(|sample| 1.6 * sample)
        .collect();
    let bent = RoomConfig {
        loudspeaker_clipping: Decibels(-18.0),
        ..room(0.0)
    };
    for (room, jitter) in [(bent, 0), (room(0.0), 900)] {
        let reduction = |engine| {
            let mut config = VoiceConfig::default();
            config.echo.engine = engine;
            let options = HearingOptions::from_config(&config);
            let mut bench = Bench::new(&room, options, loud.clone());
            bench.lies.jitter.store(jitter, Ordering::Relaxed);
            bench.run(6.0);
            bench.reduction(2.0)
        };
        let [kalman, aec3, speex] = [EchoEngine::Kalman, EchoEngine::Aec3, EchoEngine::Speex].map(reduction);
        assert!(
            kalman > aec3.max(speex) + 6.0,
            "jitter {jitter}: {kalman} dB, AEC3 {aec3} dB, Speex {speex} dB"
        );
    }
}
