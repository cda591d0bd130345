//! The canceller in scenes whose every part is known.

use super::*;
use crate::echo::scenes::measures::{erle, level_kept, si_sdr, time_to};
use crate::echo::scenes::speech::{FAR, NEAR};
use crate::echo::scenes::{Plan, Scene, cancel, decaying, frames, play};
use std::ops::Range;
use std::sync::LazyLock;

/// Only the filter.
const LINEAR: Settings = Settings {
    tail: Frames(9_600),
    suppress: false,
    noise: Decibels(0.0),
};

/// Who speaks far and near, said once for all tests.
static FAR_END: LazyLock<Vec<f32>> = LazyLock::new(|| FAR.speak(12.0));
static NEAR_END: LazyLock<Vec<f32>> = LazyLock::new(|| NEAR.speak(4.0));

fn far(seconds: f64) -> &'static [f32] {
    &FAR_END[..frames(seconds)]
}

fn near(seconds: f64) -> &'static [f32] {
    &NEAR_END[..frames(seconds)]
}

fn canceller() -> KalmanCanceller {
    KalmanCanceller::new(Settings::default())
}

/// What a new canceller makes of a scene: without the suppressor, which does not work back on the filter, and with it.
fn cancel_both(scene: &Scene) -> [Vec<f32>; 2] {
    let mut canceller = canceller();
    let (mut linear, mut whole) = (Vec::new(), Vec::new());
    // A block more, as the suppressor is late.
    let and_silence = |samples| blocks(samples).chain([[0.0; BLOCK]]);
    for (reference, microphone) in and_silence(&scene.reference).zip(and_silence(&scene.microphone)) {
        let (echo, error) = canceller.cancel(&reference, &microphone);
        linear.extend(error);
        whole.extend(canceller.suppress(&echo, &error).0);
    }
    linear.truncate(scene.microphone.len());
    whole.drain(..DELAY);
    whole.truncate(scene.microphone.len());
    [linear, whole]
}

fn from(seconds: f64, until: f64) -> Range<usize> {
    frames(seconds)..frames(until)
}

fn enhancement(scene: &Scene, cleaned: &[f32], span: Range<usize>) -> f32 {
    erle(&scene.microphone[span.clone()], &cleaned[span]).0
}

fn blocks(samples: &[f32]) -> impl Iterator<Item = [f32; BLOCK]> {
    samples
        .chunks_exact(BLOCK)
        .map(|block| std::array::from_fn(|n| block[n]))
}

#[test]
fn an_echo_is_gone_within_a_second_and_stays_away() {
    let scene = play(&Plan::default(), far(8.0), &[]);
    for (cleaned, (soon, wanted)) in cancel_both(&scene).iter().zip([(2.0, 28.0), (1.0, 44.0)]) {
        let reached = time_to(Decibels(20.0), &scene.microphone, cleaned);
        assert!(
            reached.is_some_and(|time| time.0 <= soon),
            "{wanted} dB wanted: {reached:?}"
        );
        let settled = enhancement(&scene, cleaned, from(4.0, 8.0));
        assert!(settled >= wanted, "{settled} dB instead of {wanted}");
    }
}

#[test]
fn the_suppressor_can_be_left_out() {
    let scene = play(&Plan::default(), far(2.0), &[]);
    let [linear, whole] = cancel_both(&scene);
    assert!(cancel(&scene, &mut KalmanCanceller::new(LINEAR)) == linear);
    assert!(cancel(&scene, &mut canceller()) == whole);
}

#[test]
fn a_talker_in_the_room_is_kept() {
    for level in [-6.0, 0.0, 6.0] {
        let span = from(6.0, 10.0);
        let plan = Plan {
            near: Some((span.clone(), Decibels(level))),
            ..Plan::default()
        };
        let scene = play(&plan, far(12.0), near(4.0));
        let cleaned = cancel(&scene, &mut canceller());
        let (out, near) = (&cleaned[span.clone()], &scene.near[span]);
        assert!(si_sdr(out, near).0 >= 12.0, "{level} dB: {:?}", si_sdr(out, near));
        assert!(
            level_kept(out, near).0 >= -1.0,
            "{level} dB: {:?}",
            level_kept(out, near)
        );
        let after = enhancement(&scene, &cleaned, from(10.2, 12.0));
        assert!(after >= 40.0, "{level} dB: {after} dB afterwards");
    }
}

#[test]
fn another_room_is_learnt() {
    let plan = Plan {
        change: Some((frames(4.0), decaying(2, 0.1))),
        ..Plan::default()
    };
    let scene = play(&plan, far(9.0), &[]);
    let [linear, whole] = cancel_both(&scene);
    let soon = enhancement(&scene, &whole, from(4.0, 9.0));
    assert!(soon >= 39.0, "{soon} dB");
    let later = enhancement(&scene, &linear, from(7.0, 9.0));
    assert!(later >= 20.0, "{later} dB without the suppressor");
}

#[test]
fn drift_costs_little() {
    let plan = Plan {
        drift: amora_contract::units::PartsPerMillion(100.0),
        ..Plan::default()
    };
    let scene = play(&plan, far(8.0), &[]);
    let cleaned = cancel(&scene, &mut canceller());
    let settled = enhancement(&scene, &cleaned, from(4.0, 8.0));
    assert!(settled >= 41.0, "{settled} dB");
}

#[test]
fn a_late_echo_is_found_in_the_tail() {
    let plan = Plan {
        late: frames(0.12),
        ..Plan::default()
    };
    let scene = play(&plan, far(8.0), &[]);
    let cleaned = cancel(&scene, &mut canceller());
    let settled = enhancement(&scene, &cleaned, from(4.0, 8.0));
    assert!(settled >= 41.0, "{settled} dB");
}

#[test]
fn a_loudspeaker_that_cuts_its_peaks_is_learnt() {
    let far = far(10.0);
    // What a true response leaves of this loudspeaker, however well it is known.
    let truly = play(&Plan::default(), far, &[]);
    for knee in [-12.0, -10.0, -8.0] {
        let plan = Plan {
            knee: Some(Decibels(knee)),
            ..Plan::default()
        };
        let scene = play(&plan, far, &[]);
        let left: Vec<f32> = scene
            .echo
            .iter()
            .zip(&truly.echo)
            .map(|(bent, truly)| bent - truly)
            .collect();
        let [linear, whole] = cancel_both(&scene);
        let limit = enhancement(&scene, &left, from(6.0, 10.0));
        let learnt = enhancement(&scene, &linear, from(6.0, 10.0));
        assert!(
            learnt >= limit + 6.0,
            "knee {knee} dB: {learnt} dB, of {limit} dB for a true loudspeaker's response"
        );
        let whole = enhancement(&scene, &whole, from(6.0, 10.0));
        assert!(whole >= 45.0, "knee {knee} dB: {whole} dB");
    }
}

#[test]
fn silence_stays_silence() {
    let mut canceller = canceller();
    for (index, block) in blocks(far(1.0)).enumerate() {
        let mut microphone = [0.0; BLOCK];
        let reference = if index < 50 { [0.0; BLOCK] } else { block };
        canceller.process(&reference, &mut microphone);
        assert!(
            microphone.iter().all(|sample| sample.abs() < 1e-6),
            "block {index}"
        );
        assert!(index >= 50 || microphone == [0.0; BLOCK], "block {index}");
    }
}

#[test]
fn a_talker_alone_is_left_alone() {
    let near = near(4.0);
    let plan = Plan {
        near: Some((0..near.len(), Decibels(0.0))),
        ..Plan::default()
    };
    // The level of the talker goes by the echo's: take that away again.
    let mut scene = play(&plan, far(4.0), near);
    for (sample, echo) in scene.microphone.iter_mut().zip(&scene.echo) {
        *sample -= echo;
    }
    scene.reference.fill(0.0);
    assert!(cancel(&scene, &mut KalmanCanceller::new(LINEAR)) == scene.microphone);
    let cleaned = cancel(&scene, &mut canceller());
    let kept = (
        si_sdr(&cleaned, &scene.near).0,
        level_kept(&cleaned, &scene.near).0,
    );
    assert!(kept.0 >= 25.0 && kept.1 >= -0.2, "{kept:?}");
}

#[test]
fn what_is_no_number_does_no_harm() {
    let scene = play(&Plan::default(), far(5.0), &[]);
    let mut canceller = canceller();
    let mut cleaned = Vec::new();
    let bad = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        -1e30,
        f32::MIN_POSITIVE / 2.0,
    ];
    for (index, (mut reference, mut microphone)) in blocks(&scene.reference)
        .zip(blocks(&scene.microphone))
        .enumerate()
    {
        if (200..220).contains(&index) {
            let value = bad[index % bad.len()];
            if index % 3 != 0 {
                reference[index % BLOCK..].fill(value);
            }
            if index % 3 != 1 {
                microphone[index / 2..].fill(value);
            }
        }
        canceller.process(&reference, &mut microphone);
        assert!(
            microphone.iter().all(|sample| sample.is_finite()),
            "block {index}"
        );
        cleaned.extend_from_slice(&microphone);
    }
    cleaned.drain(..DELAY);
    let recovered = enhancement(&scene, &cleaned, from(3.5, 4.9));
    assert!(recovered >= 35.0, "{recovered} dB");
}

#[test]
fn it_stays_as_good_as_it_was() {
    let scene = play(&Plan::default(), far(5.0), &[]);
    let mut canceller = canceller();
    let first = cancel(&scene, &mut canceller);
    for round in 0..5 {
        // Silences in between, as a box is silent most of the time.
        for _ in 0..50 * round {
            canceller.process(&[0.0; BLOCK], &mut [0.0; BLOCK]);
        }
        let again = cancel(&scene, &mut canceller);
        let (before, now) = (
            enhancement(&scene, &first, from(2.5, 5.0)),
            enhancement(&scene, &again, from(2.5, 5.0)),
        );
        assert!(now >= before - 1.0, "round {round}: {now} dB after {before} dB");
    }
}

#[test]
fn a_restart_forgets_everything() {
    let scene = play(&Plan::default(), far(2.0), &[]);
    let mut canceller = canceller();
    let first = cancel(&scene, &mut canceller);
    assert!(first != cancel(&scene, &mut canceller));
    canceller.restart();
    assert!(first == cancel(&scene, &mut canceller), "something was kept");
}

#[test]
fn figures_tell_echo_and_talker() {
    let span = from(6.0, 8.0);
    let plan = Plan {
        near: Some((span.clone(), Decibels(0.0))),
        ..Plan::default()
    };
    let scene = play(&plan, far(8.0), near(2.0));
    let mut canceller = canceller();
    assert_eq!(canceller.figures(), Figures::default());
    let (mut alone, mut both) = (Vec::new(), Vec::new());
    for (index, (reference, mut microphone)) in blocks(&scene.reference)
        .zip(blocks(&scene.microphone))
        .enumerate()
    {
        canceller.process(&reference, &mut microphone);
        let figures = canceller.figures();
        let at = index * BLOCK;
        if at == frames(5.0) {
            let (linear, whole) = (figures.linear.unwrap().0, figures.whole.unwrap().0);
            assert!(linear >= 25.0 && whole >= linear + 3.0, "{figures:?}");
        }
        // Where there is something to judge.
        if crate::analysis::rms(&scene.near[at..at + BLOCK]).0 > -35.0 {
            both.push(figures.near_end);
        } else if from(3.0, 6.0).contains(&at) && figures.echo {
            alone.push(figures.near_end);
        }
    }
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    assert!(alone.len() > 100 && mean(&alone) < 0.1, "{} alone", mean(&alone));
    assert!(both.len() > 50 && mean(&both) > 0.8, "{} with both", mean(&both));
}

#[test]
fn its_latency_is_what_it_says() {
    for settings in [Settings::default(), LINEAR] {
        let mut canceller = KalmanCanceller::new(settings);
        let click = BLOCK + 100;
        let mut heard = vec![0.0; 4 * BLOCK];
        heard[click] = 0.5;
        let mut out = Vec::new();
        for mut block in blocks(&heard) {
            canceller.process(&[0.0; BLOCK], &mut block);
            out.extend_from_slice(&block);
        }
        let loudest = (0..out.len())
            .max_by(|a, b| out[*a].abs().total_cmp(&out[*b].abs()))
            .unwrap();
        assert_eq!(loudest, click + canceller.latency().0 as usize);
    }
}
