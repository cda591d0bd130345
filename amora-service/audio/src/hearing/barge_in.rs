//! Hears somebody in the room speak while the box does.

use super::meter::{SOUNDING, decibels};
use crate::echo::BLOCK;

/// Blocks of echo after a restart before what is left is believed: the engine still learns. Two seconds.
const LEARNING: u32 = 200;

/// What is left of loud echo is another part than of soft echo where the loudspeaker bends it, so it is learnt for every
/// loudness apart: classes of 6 dB from −60 dB on.
const CLASS: f32 = 6.0;
const CLASSES: usize = 10;

/// Blocks of a class before it is believed: half a second.
const SEEN: u32 = 50;

/// What is left of the echo is learnt this fast, in parts a block.
const EAGERNESS: f32 = 0.02;

/// While somebody seems to speak it is still learnt, in dB a block, so that a wrong belief does not last.
const LEAK: f32 = 0.03;

/// What is heard must be this far above what is usually left, in dB, and so many times further than that strays.
const MARGIN: f32 = 10.0;
const DEVIATIONS: f32 = 3.5;

/// Who speaks already may go on by this part of both, and while somebody does, what is usual is learnt that much slower.
const GOING_ON: f32 = 0.6;
const SLOWER: f32 = 0.1;

/// Where the engine itself judges the near end, it takes this for one.
const TOLD: f32 = 0.5;

/// It must be this far above the room's noise, in dB.
const ABOVE_NOISE: f32 = 10.0;

/// Echo that the engine leaves resembles what it takes away; a talker does not. The square of their correlation.
const ALIKE: f32 = 0.25;

/// The noise is the lowest level heard; it is taken to rise by this many dB a block.
const NOISE_RISE: f32 = 0.02;

/// Blocks of speech within the window that make it speech.
const WINDOW: u32 = 12;
const ENOUGH: u32 = 6;

/// Blocks of silence that end it: 0.4 s, longer than the pauses within a sentence.
const HANG_OVER: u32 = 40;

/// A change of the near end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Began,
    Ended,
}

/// What is usually left of echo of one loudness, in dB of what sounds, and how far that strays.
#[derive(Debug, Clone, Copy)]
struct Class {
    seen: u32,
    usual: f32,
    strays: f32,
}

#[derive(Debug)]
pub(super) struct BargeIn {
    learnt: u32,
    classes: [Class; CLASSES],
    noise: f32,
    /// The latest blocks, one bit each.
    history: u32,
    quiet: u32,
    speaking: bool,
}

impl BargeIn {
    pub(super) fn new() -> Self {
        Self {
            learnt: 0,
            classes: [Class {
                seen: 0,
                usual: 0.0,
                strays: 6.0,
            }; CLASSES],
            noise: 0.0,
            history: 0,
            quiet: 0,
            speaking: false,
        }
    }

    /// The engine begins anew. Whoever is speaking has not stopped for that.
    pub(super) fn restart(&mut self) {
        *self = Self {
            noise: self.noise,
            speaking: self.speaking,
            quiet: self.quiet,
            ..Self::new()
        };
    }

    /// Whether somebody is speaking.
    pub(super) fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// Whether this block had a near end, before it is certain that somebody speaks.
    pub(super) fn suspects(&self) -> bool {
        self.speaking || self.history & 1 == 1
    }

    /// Takes note of a block: `sounding` is the loudest mean square that may still be heard of what the box plays, `by_engine`
    /// how much the block speaks for somebody in the room by the engine, where that can tell: it knows when the room changed.
    pub(super) fn observe(
        &mut self,
        sounding: f32,
        microphone: &[f32; BLOCK],
        clean: &[f32; BLOCK],
        by_engine: Option<f32>,
    ) -> Option<Change> {
        let level = decibels(clean.iter().map(|s| s * s).sum::<f32>() / BLOCK as f32);
        self.noise = level.min(self.noise + NOISE_RISE).max(-120.0);
        let far = sounding > SOUNDING;
        let loud = level > self.noise + ABOVE_NOISE;
        let mut near = false;
        if far {
            let loudness = decibels(sounding);
            let class = &mut self.classes[(((loudness + 60.0) / CLASS) as usize).min(CLASSES - 1)];
            let (margin, eagerness) = if self.speaking {
                (GOING_ON, SLOWER * EAGERNESS)
            } else {
                (1.0, EAGERNESS)
            };
            let unusual = self.learnt >= LEARNING && class.is_unusual(level - loudness, margin);
            let told = by_engine.map_or(unusual, |near| near > TOLD);
            near = loud && told && alike(microphone, clean) < ALIKE;
            class.learn(level - loudness, unusual, eagerness);
            self.learnt = self.learnt.saturating_add(1);
        }
        self.history = (self.history << 1 | u32::from(near)) & ((1 << WINDOW) - 1);
        // Where nothing sounds any more, whoever spoke goes on until it is quiet.
        let goes_on = near || (!far && loud);
        self.quiet = if goes_on { 0 } else { self.quiet + 1 };
        if !self.speaking && self.history.count_ones() >= ENOUGH {
            self.speaking = true;
            return Some(Change::Began);
        }
        if self.speaking && self.quiet >= HANG_OVER {
            self.speaking = false;
            return Some(Change::Ended);
        }
        None
    }
}

impl Class {
    fn is_unusual(&self, left: f32, part: f32) -> bool {
        self.seen >= SEEN && left > self.usual + part * MARGIN.max(DEVIATIONS * self.strays)
    }

    fn learn(&mut self, left: f32, unusual: bool, eagerness: f32) {
        if unusual {
            self.usual += LEAK;
            return;
        }
        let part = eagerness.max(1.0 / (self.seen + 1) as f32);
        self.usual += part * (left - self.usual);
        self.strays += part * ((left - self.usual).abs() - self.strays);
        self.seen = self.seen.saturating_add(1);
    }
}

/// The square of the correlation between what was taken away and what is left.
fn alike(microphone: &[f32; BLOCK], clean: &[f32; BLOCK]) -> f32 {
    let (mut product, mut taken, mut left) = (0f32, 1e-20f32, 1e-20f32);
    for (heard, rest) in microphone.iter().zip(clean) {
        let echo = heard - rest;
        product += echo * rest;
        taken += echo * echo;
        left += rest * rest;
    }
    product * product / (taken * left)
}
