//! Noise suppression and gain control behind a canceller, and what they leave as it was.

use super::*;
use crate::analysis;
use crate::echo::scenes::set_level;
use crate::echo::scenes::speech::NEAR;

fn conditioned(options: HearingOptions) -> HearingOptions {
    HearingOptions {
        noise_suppression: true,
        gain_control: true,
        ..options
    }
}

#[test]
fn a_talker_behind_the_boxs_own_sound_is_still_noticed_and_brought_to_level() {
    let noisy = RoomConfig {
        noise: Decibels(-70.0),
        ..room(0.0)
    };
    let begun = |options: HearingOptions| {
        let mut bench = Bench::new(&noisy, options, programme(48_000 * 11, 3));
        bench.run(10.0);
        assert_eq!(
            bench.figures().gain.map_or(0.0, |gain| gain.0),
            0.0,
            "echo is nobody"
        );
        let mut talker = NEAR.speak(6.0);
        set_level(&mut talker, Decibels(-33.0));
        bench.room.say(&talker);
        bench.run(8.0);
        let positions: Vec<i64> = bench
            .events
            .iter()
            .filter_map(|event| match event {
                HearingEvent::NearEndBegan { position } | HearingEvent::NearEndEnded { position } => {
                    Some(*position)
                }
                _ => None,
            })
            .collect();
        (positions, bench.figures())
    };
    let engine = || options(EchoEngine::Kalman, |_| Box::new(Plain::new(0.05, 0)));
    let (plain, without) = begun(engine());
    let (same, with) = begun(conditioned(engine()));
    assert!(!plain.is_empty());
    assert_eq!(plain, same, "what is noticed does not depend on conditioning");
    assert_eq!(without.barge_ins, with.barge_ins);
    assert_eq!(without.gain, None);
    assert_eq!(without.echo_reduction, with.echo_reduction);
}

#[test]
fn the_clean_bus_says_how_late_it_is() {
    for (noise_suppression, gain_control) in [(false, false), (true, false), (false, true), (true, true)] {
        for engine in [EchoEngine::Off, EchoEngine::Speex, EchoEngine::Kalman] {
            let mut config = VoiceConfig {
                noise_suppression,
                gain_control,
                ..VoiceConfig::default()
            };
            config.echo.engine = engine;
            let mut bench = Bench::new(&room(0.0), HearingOptions::from_config(&config), Vec::new());
            bench.run(2.0);
            bench.room.say(&NEAR.speak(4.0));
            bench.run(4.0);
            let (raw, clean) = (&bench.raw[200..], &bench.clean[200..]);
            let late = (raw[0].position - clean[0].position) as f64;
            assert_eq!(late, bench.figures().latency.0 as f64);
            let samples =
                |blocks: &[Block]| -> Vec<f32> { blocks.iter().flat_map(|block| block.samples).collect() };
            let found = analysis::delay(&samples(raw), &samples(clean), 2400).unwrap();
            // The high-pass is a little late at its edge.
            assert!(
                (found.frames - late).abs() < 3.0,
                "{engine:?}, {noise_suppression}, {gain_control}: {found:?} instead of {late}"
            );
            assert!(
                clean
                    .windows(2)
                    .all(|pair| pair[1].position == pair[0].position + 480)
            );
        }
    }
}
