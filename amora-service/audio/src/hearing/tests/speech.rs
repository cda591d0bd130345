//! Real speech, through the engine that the box has.

use super::*;
use crate::echo::scenes::speech::{FAR, NEAR};
use crate::echo::scenes::{Heard, Plan, decaying, frames, hear, music, play};

fn heard(plan: &Plan, far: &[f32], near: &[f32]) -> Heard {
    let options = HearingOptions::new(engines(&EchoConfig::default()));
    hear(&play(plan, far, near), plan.drift, options)
}

/// From when to when somebody was heard, in seconds; who still speaks at the end does so for ever.
fn talks(heard: &Heard) -> Vec<(f64, f64)> {
    let mut talks = Vec::new();
    for event in &heard.events {
        match event {
            HearingEvent::NearEndBegan { position } => talks.push((*position as f64 / RATE.0, f64::MAX)),
            HearingEvent::NearEndEnded { position } => {
                talks.last_mut().expect("nobody began").1 = *position as f64 / RATE.0;
            }
            _ => {}
        }
    }
    talks
}

#[test]
fn the_box_alone_is_nobody_from_its_first_sound_on() {
    let speech = FAR.speak(8.0);
    let tune = music(1, 8.0);
    let drifting = Plan {
        drift: PartsPerMillion(100.0),
        ..Plan::default()
    };
    let bent = Plan {
        knee: Some(Decibels(-8.0)),
        ..Plan::default()
    };
    let reverberant = Plan {
        response: decaying(5, 0.3),
        ..Plan::default()
    };
    for plan in [Plan::default(), drifting, bent, reverberant] {
        for far in [&speech, &tune] {
            let heard = heard(&plan, far, &[]);
            assert!(talks(&heard).is_empty(), "{:?}", heard.events);
            let left = heard.figures.echo_reduction.expect("there was an echo");
            assert!(left.0 > 30.0, "{left:?}");
        }
    }
}

#[test]
fn another_room_is_seldom_taken_for_a_talker() {
    let (mut scenes, mut mistaken) = (0, Vec::new());
    for seed in 1..=2 {
        for far in [FAR.speak(8.0), music(seed, 8.0)] {
            for (number, reverberation) in [(1, 0.1), (2, 0.2), (3, 0.3)] {
                for at in [4.0, 5.3] {
                    let plan = Plan {
                        seed,
                        change: Some((frames(at), decaying(20 * number + seed, reverberation))),
                        ..Plan::default()
                    };
                    scenes += 1;
                    mistaken.extend(talks(&heard(&plan, &far, &[])));
                }
            }
        }
    }
    assert!(mistaken.len() <= scenes / 6, "in {scenes}: {mistaken:.2?}");
}

#[test]
fn a_talker_is_noticed_in_the_boxs_second_second() {
    let near = NEAR.speak(3.0);
    for far in [FAR.speak(5.0), music(1, 5.0), music(2, 5.0)] {
        for level in [-6.0, 0.0, 6.0] {
            let plan = Plan {
                near: Some((frames(1.0)..frames(4.0), Decibels(level))),
                ..Plan::default()
            };
            let talks = talks(&heard(&plan, &far, &near));
            assert!((1.0..1.75).contains(&talks[0].0), "{level} dB: {talks:.2?}");
        }
    }
}

#[test]
fn a_talker_is_noticed_within_a_third_of_a_second_however_soft() {
    let (begins, ends) = (5.0, 8.0);
    let far = FAR.speak(10.0);
    let tune = music(1, 10.0);
    let near = NEAR.speak(3.0);
    for level in [-6.0, 0.0, 6.0] {
        for far in [&far, &tune] {
            let plan = Plan {
                near: Some((frames(begins)..frames(ends), Decibels(level))),
                ..Plan::default()
            };
            let talks = talks(&heard(&plan, far, &near));
            let (began, ended) = (talks[0].0 - begins, talks[talks.len() - 1].1 - ends);
            assert!((0.0..0.33).contains(&began), "{level} dB: {talks:?}");
            assert!((0.0..1.0).contains(&ended), "{level} dB: {talks:?}");
        }
    }
}
