//! A scene heard by the whole hearing: alignment, the correction of drift and the choice of the engine around it.

use super::{RATE, Scene};
use crate::card::Turn;
use crate::engine::Mark;
use crate::hearing::{Figures, Hearing, HearingEvent, HearingOptions};
use amora_contract::units::{Frames, PartsPerMillion};

/// Frames of the card's period, and those that wait in it to be played.
const PERIOD: usize = 240;
const WAITING: usize = 480;

/// Frames of silence after the scene, in which what engine and resampler hold back comes out.
const AFTER: usize = 9_600;

/// What became of a scene.
#[derive(Debug)]
pub struct Heard {
    /// The clean bus: as long as the scene and on its time line.
    pub clean: Vec<f32>,
    /// What happened, with positions of the microphone's frames in the scene.
    pub events: Vec<HearingEvent>,
    /// State and metrics at the end.
    pub figures: Figures,
}

/// Lets a new hearing hear a scene whose microphone runs by `drift` from the card, with the marks that a card would give.
pub fn hear(scene: &Scene, drift: PartsPerMillion, options: HearingOptions) -> Heard {
    let mut hearing = Hearing::new(options);
    let mut reader = hearing.clean();
    let length = scene.microphone.len();
    let (mut clean, mut events) = (vec![0.0; length], Vec::new());
    let (mut written, mut captured) = (0, 0);
    for turn in 1..=(length + AFTER) / PERIOD {
        // By the end of a turn so many frames have left the card, and so many were heard.
        let played = turn * PERIOD;
        let heard = (played as f64 * (1.0 + drift.0 * 1e-6)) as usize;
        let run = heard - captured;
        let mark = Mark {
            position: written as u64,
            frames: played + WAITING - written,
            written: (played + WAITING) as u64,
            turn: Turn {
                captured: Frames(run as u64),
                playback_delay: Frames(WAITING as u64),
                capture_delay: Frames(0),
                nanoseconds: (played as f64 / RATE.0 * 1e9) as u64,
            },
        };
        hearing.played(&mark, &part(&scene.reference, written, mark.frames), 1);
        let of_microphone = Mark {
            position: captured as u64,
            frames: run,
            ..mark
        };
        hearing.heard(&of_microphone, &part(&scene.microphone, captured, run));
        written += mark.frames;
        captured = heard;
        for block in std::iter::from_fn(|| reader.read()) {
            for (at, sample) in (block.position..).zip(block.samples) {
                if let Some(place) = usize::try_from(at).ok().and_then(|at| clean.get_mut(at)) {
                    *place = sample;
                }
            }
        }
        events.extend(std::iter::from_fn(|| hearing.poll_event()));
    }
    Heard {
        clean,
        events,
        figures: hearing.figures(),
    }
}

/// So many samples from a frame on, silence past their end.
fn part(samples: &[f32], from: usize, count: usize) -> Vec<f32> {
    let known = samples.iter().skip(from).copied();
    known.chain(std::iter::repeat(0.0)).take(count).collect()
}
