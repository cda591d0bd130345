//! The scenes are what they say, and the measures are right.

use super::measures::{erle, erle_over_time, level_kept, si_sdr, time_to};
use super::speech::{FAR, NEAR};
use super::*;
use crate::analysis::{self, delay, peak};

fn noise(seed: u64, length: usize, level: Decibels) -> Vec<f32> {
    let mut random = Random::new(seed);
    let mut samples: Vec<f32> = (0..length).map(|_| random.gaussian()).collect();
    set_level(&mut samples, level);
    samples
}

fn near(value: Decibels, wanted: f32, tolerance: f32) {
    assert!((value.0 - wanted).abs() <= tolerance, "{value:?}, not {wanted}");
}

#[test]
fn speech_speaks_at_its_level_and_nobody_says_the_same() {
    let (far, other) = (FAR.speak(3.0), NEAR.speak(3.0));
    assert_eq!((far.len(), other.len()), (frames(3.0), frames(3.0)));
    near(rms(&far), -20.0, 0.01);
    assert!(peak(&far).0 < 0.0, "{:?}", peak(&far));
    let likeness = delay(&far, &other, frames(0.5)).unwrap().correlation;
    assert!(likeness.abs() < 0.3, "{likeness}");
    assert_eq!(far, FAR.speak(3.0));
}

#[test]
fn music_is_the_same_for_a_seed_and_fits_full_scale() {
    let tune = music(1, 5.0);
    assert_eq!(tune, music(1, 5.0));
    assert_ne!(tune, music(2, 5.0));
    near(rms(&tune), -20.0, 0.01);
    assert!(peak(&tune).0 < 0.0, "{:?}", peak(&tune));
}

#[test]
fn a_scene_is_the_sum_of_its_parts_at_their_levels() {
    let far = noise(1, frames(2.0), Decibels(-20.0));
    let talker = noise(2, frames(0.7), Decibels(-3.0));
    let span = frames(1.0)..frames(2.0);
    let plan = Plan {
        near: Some((span.clone(), Decibels(6.0))),
        ..Plan::default()
    };
    let scene = play(&plan, &far, &talker);
    near(rms(&scene.echo), -27.0, 0.01);
    near(
        rms(&scene.near[span.clone()]),
        rms(&scene.echo[span.clone()]).0 + 6.0,
        0.01,
    );
    assert!(scene.near[..span.start].iter().all(|sample| *sample == 0.0));
    let rest: Vec<f32> = (0..far.len())
        .map(|n| scene.microphone[n] - scene.echo[n] - scene.near[n])
        .collect();
    near(rms(&rest), -66.0, 0.1);
    assert_eq!(scene.double_talk, Some(span));
    assert_eq!(scene.reference, far);
}

#[test]
fn a_late_echo_is_late() {
    let far = noise(1, frames(1.0), Decibels(-20.0));
    let plan = Plan {
        late: frames(0.115),
        ..Plan::default()
    };
    let scene = play(&plan, &far, &[]);
    let found = delay(&far, &scene.echo, frames(0.2)).unwrap();
    assert_eq!(found.frames.round() as usize, frames(0.120));
}

#[test]
fn drift_moves_the_echo_by_its_parts_per_million() {
    let far = noise(1, frames(12.0), Decibels(-20.0));
    let drifting = Plan {
        response: vec![1.0],
        drift: PartsPerMillion(100.0),
        ..Plan::default()
    };
    let scene = play(&drifting, &resample(&far, 0.5, far.len()), &[]);
    let late = |at: usize| {
        let span = at..at + frames(0.2);
        delay(&scene.reference[span.clone()], &scene.echo[span], 200)
            .unwrap()
            .frames
    };
    let moved = late(frames(11.0)) - late(frames(1.0));
    assert!((moved - 48.0).abs() < 0.1, "{moved}");
}

#[test]
fn resampling_there_and_back_is_the_same_sound() {
    let length = frames(1.0);
    let sound = resample(&noise(3, length, Decibels(-20.0)), 0.8, length);
    let there = resample(&sound, 1.0 / 1.0001, length);
    let back = resample(&there, 1.0001, length);
    let inside = 200..length - 200;
    let error: Vec<f32> = inside.clone().map(|n| back[n] - sound[n]).collect();
    assert!(rms(&error).0 < -100.0, "{:?}", rms(&error));
}

#[test]
fn a_bending_loudspeaker_distorts_the_echo_alone() {
    let far = crate::tone::render(
        Hertz(1000.0),
        Decibels(-6.0),
        amora_contract::units::Millis(1000),
        crate::tone::Channels::Left,
        RATE,
    );
    let far = analysis::channel(&far, 0, 2);
    let plan = Plan {
        knee: Some(Decibels(-12.0)),
        response: vec![1.0],
        noise: Decibels(-120.0),
        ..Plan::default()
    };
    let scene = play(&plan, &far, &[]);
    let middle = frames(0.1)..frames(0.9);
    let heard = analysis::tone(&scene.microphone[middle.clone()], RATE).unwrap();
    let played = analysis::tone(&scene.reference[middle], RATE).unwrap();
    assert!(
        heard.distortion.0 > -30.0 && played.distortion.0 < -100.0,
        "{heard:?} {played:?}"
    );
}

#[test]
fn the_room_changes_when_it_should() {
    let far = noise(1, frames(1.0), Decibels(-20.0));
    let changed = Plan {
        change: Some((frames(0.5), decaying(2, 0.1))),
        ..Plan::default()
    };
    let (plain, changed) = (play(&Plan::default(), &far, &[]), play(&changed, &far, &[]));
    assert_eq!(plain.echo[..frames(0.5)], changed.echo[..frames(0.5)]);
    let after = frames(0.52)..frames(1.0);
    let difference: Vec<f32> = after.clone().map(|n| plain.echo[n] - changed.echo[n]).collect();
    assert!(rms(&difference).0 > -40.0);
    near(rms(&changed.echo[after]), -27.0, 0.5);
}

#[test]
fn a_shoebox_answers_like_its_size_and_walls() {
    let room = |absorption| Shoebox {
        size: [5.0, 4.0, 2.6],
        absorption,
        loudspeaker: [2.0, 1.5, 0.8],
        microphone: [2.0, 3.215, 0.8],
    };
    let response = shoebox(&room(0.5), 0.3);
    // 1.715 m: 5 ms.
    let loudest = (0..response.len()).max_by(|a, b| response[*a].abs().total_cmp(&response[*b].abs()));
    assert_eq!(loudest, Some(240));
    assert!(response[..190].iter().all(|sample| sample.abs() < 1e-3));
    let tail = |response: &[f32]| rms(&response[frames(0.2)..]).0 - rms(response).0;
    assert!(tail(&response) < tail(&shoebox(&room(0.2), 0.3)) - 10.0);
    // Between where it falls, about as fast as Eyring says for 52 m³, 86.8 m² and half the sound swallowed: 0.139 s.
    let (early, later) = (frames(0.05), frames(0.15));
    let level = |at: usize| rms(&response[at - 480..at + 480]).0;
    let seconds = 60.0 * 0.1 / (level(early) - level(later));
    assert!((0.11..0.2).contains(&seconds), "{seconds}");
}

#[test]
fn the_measures_tell_what_was_done() {
    let (echo, talker) = (
        noise(1, 96_000, Decibels(-20.0)),
        noise(2, 96_000, Decibels(-20.0)),
    );
    let scaled = |samples: &[f32], gain: f32| samples.iter().map(|sample| sample * gain).collect::<Vec<_>>();
    near(erle(&echo, &scaled(&echo, 0.01)), 40.0, 0.01);
    let mixed: Vec<f32> = (0..96_000).map(|n| 0.5 * talker[n] + 0.05 * echo[n]).collect();
    near(si_sdr(&mixed, &talker), 20.0, 0.2);
    near(level_kept(&mixed, &talker), -6.02, 0.05);
    let mut late = echo.clone();
    scale(&mut late[24_000..], Decibels(-30.0));
    let time = time_to(Decibels(20.0), &echo, &late).unwrap();
    assert!((0.49..0.51).contains(&time.0), "{time:?}");
    assert_eq!(time_to(Decibels(40.0), &echo, &late), None);
    // What lasts for less than a second does not count.
    late[48_000..].copy_from_slice(&echo[48_000..]);
    assert_eq!(time_to(Decibels(20.0), &echo, &late), None);
    let curve = erle_over_time(&echo, &late, 12_000);
    assert_eq!(curve.len(), 8);
    near(curve[0].unwrap(), 0.0, 0.01);
    near(curve[3].unwrap(), 30.0, 0.01);
    assert_eq!(erle_over_time(&[0.0; 480], &[0.0; 480], 480), vec![None]);
}
