//! What every engine must do, and what each is good at.

use super::aec3::{Aec3, Tuning};
use super::scenes::measures::{erle, level_kept, si_sdr};
use super::scenes::speech::{FAR, NEAR};
use super::scenes::{Plan, Scene, Shoebox, cancel, frames, play, shoebox};
use super::speex::{Speex, TAIL};
use super::*;
use crate::analysis::{delay, rms};
use amora_contract::units::{Decibels, PartsPerMillion};

/// Each engine with its name.
fn engines() -> Vec<(&'static str, Box<dyn EchoCanceller>)> {
    vec![
        ("speex", Box::new(Speex::new(TAIL).unwrap())),
        ("aec3", Box::new(Aec3::new(Tuning::Standard))),
        ("aec3 duplex", Box::new(Aec3::new(Tuning::Duplex))),
    ]
}

/// Six seconds of echo, and five more in which somebody near speaks as loud.
fn conversation(drift: f64) -> Scene {
    let plan = Plan {
        drift: PartsPerMillion(drift),
        near: Some((frames(6.0)..frames(11.0), Decibels(0.0))),
        ..Plan::default()
    };
    play(&plan, &FAR.speak(11.0), &NEAR.speak(5.0))
}

/// ERLE of the three seconds before anybody near speaks.
fn single_talk(scene: &Scene, cleaned: &[f32]) -> f32 {
    let span = frames(3.0)..frames(6.0);
    erle(&scene.microphone[span.clone()], &cleaned[span]).0
}

#[test]
fn each_engine_is_good_at_its_part() {
    let (one_clock, drifting) = (conversation(0.0), conversation(100.0));
    let talk = one_clock.double_talk.clone().unwrap();
    let near = &one_clock.near[talk.clone()];
    for (name, mut engine) in engines() {
        let cleaned = cancel(&one_clock, engine.as_mut());
        let single = single_talk(&one_clock, &cleaned);
        let (distortion, kept) = (
            si_sdr(&cleaned[talk.clone()], near),
            level_kept(&cleaned[talk.clone()], near),
        );
        engine.restart();
        let drifted = single_talk(&drifting, &cancel(&drifting, engine.as_mut()));
        println!(
            "{name}: {single:.1} dB, drifting {drifted:.1} dB; double talk {distortion:.1?}, {kept:.1?}"
        );
        assert!(single > 24.0, "{name}: {single}");
        match name {
            "speex" => assert!(distortion.0 > 6.0 && kept.0 > -1.5, "{distortion:?} {kept:?}"),
            "aec3" => assert!(drifted > 30.0, "{drifted}"),
            _ => assert!(kept.0 > -6.0, "{kept:?}"),
        }
    }
}

#[test]
fn the_echo_of_a_loudspeaker_a_hand_away_is_cancelled() {
    let room = Shoebox {
        size: [3.1, 2.4, 2.5],
        absorption: 0.4,
        loudspeaker: [0.4, 1.1, 0.9],
        microphone: [0.49, 1.15, 0.96],
    };
    let plan = Plan {
        response: shoebox(&room, 0.2),
        ..Plan::default()
    };
    let scene = play(&plan, &FAR.speak(6.0), &[]);
    for (name, mut engine) in engines() {
        let lowered = single_talk(&scene, &cancel(&scene, engine.as_mut()));
        assert!(lowered > 20.0, "{name}: {lowered}");
    }
}

#[test]
fn silence_stays_silence() {
    for (name, mut engine) in engines() {
        for _ in 0..100 {
            let mut block = [0.0; BLOCK];
            engine.process(&[0.0; BLOCK], &mut block);
            // AEC3's comfort noise is at −96 dBFS and below.
            assert!(rms(&block).0 < -90.0, "{name}: {:?}", rms(&block));
        }
    }
}

#[test]
fn near_speech_alone_passes_as_late_as_the_engine_says() {
    let near = NEAR.speak(4.0);
    let scene = Scene {
        reference: vec![0.0; near.len()],
        microphone: near.clone(),
        near: near.clone(),
        echo: vec![0.0; near.len()],
        double_talk: None,
    };
    let inside = frames(0.5)..frames(3.9);
    for (name, mut engine) in engines() {
        let passed = &cancel(&scene, engine.as_mut())[inside.clone()];
        let late = delay(&near[inside.clone()], passed, frames(0.05)).unwrap();
        println!("{name}: {late:?}");
        assert!(late.frames.abs() < 1.0, "{name}: {late:?}");
        let (kept, distortion) = (
            level_kept(passed, &near[inside.clone()]),
            si_sdr(passed, &near[inside.clone()]),
        );
        // What is left to distortion is phase: of what is low in speex, of the filter bank in AEC3.
        assert!(
            kept.0.abs() < 1.0 && distortion.0 > 9.0,
            "{name}: {kept:?} {distortion:?}"
        );
        let change = rms(passed).0 - rms(&near[inside.clone()]).0;
        assert!(change.abs() < 0.5, "{name}: {change} dB");
    }
}

#[test]
fn whatever_comes_in_only_numbers_within_reason_come_out() {
    let hostile = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        1e30,
        -1e30,
        1.0,
        -1.0,
        f32::MIN_POSITIVE,
    ];
    for (name, mut engine) in engines() {
        for turn in 0..200 {
            let value = |n: usize| hostile[(n * 7 + turn) % hostile.len()];
            let mut block = std::array::from_fn(value);
            engine.process(&std::array::from_fn(|n| value(n / 3)), &mut block);
            assert!(block.iter().all(|sample| sample.abs() <= 4.0), "{name}");
        }
        // And it still works.
        let scene = conversation(0.0);
        engine.restart();
        let lowered = single_talk(&scene, &cancel(&scene, engine.as_mut()));
        assert!(lowered > 20.0, "{name}: {lowered}");
    }
}

#[test]
fn an_engine_that_was_restarted_is_like_a_new_one() {
    let scene = play(&Plan::default(), &FAR.speak(2.0), &[]);
    for (at, (name, mut engine)) in engines().into_iter().enumerate() {
        cancel(&scene, engine.as_mut());
        engine.restart();
        let again = cancel(&scene, engine.as_mut());
        let fresh = cancel(&scene, engines()[at].1.as_mut());
        let difference: Vec<f32> = again.iter().zip(&fresh).map(|(a, b)| a - b).collect();
        assert!(
            rms(&difference).0 < rms(&fresh).0 - 20.0,
            "{name}: {:?}",
            rms(&difference)
        );
    }
}
