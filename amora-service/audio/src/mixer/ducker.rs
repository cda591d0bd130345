//! Turning down what is less important while something more important sounds.

use crate::engine::SourceKind;
use amora_contract::config::DuckingConfig;
use amora_contract::units::{Decibels, Millis};

/// Frames of gain computed at once; the mixer works in blocks of at most this size.
const BLOCK: usize = super::BLOCK;

/// Shortest ramp, whatever the configuration says: 5 ms keep a 100 Hz tone free of clicks.
const SHORTEST_RAMP: Millis = Millis(5);

/// Deepest ducking: beyond it there is silence for all purposes, and decibels stay finite.
const DEEPEST: f32 = -96.0;

const KINDS: usize = SourceKind::ALL.len();

/// The gain of one priority during one block.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DuckGain<'a> {
    Constant(f32),
    Moving(&'a [f32]),
}

/// One gain per priority. A gain moves along an S-shaped curve in decibels, so it starts and ends without a kink.
#[derive(Debug)]
pub(crate) struct Ducker {
    rate: f64,
    depth: f32,
    attack: f32,
    hold: u32,
    release: f32,
    priorities: [Priority; KINDS],
}

#[derive(Debug, Clone)]
struct Priority {
    /// 0 untouched, 1 fully ducked.
    position: f32,
    hold: u32,
    wanted: bool,
    moving: bool,
    curve: [f32; BLOCK],
}

impl Ducker {
    pub(crate) fn new(config: &DuckingConfig, rate: f64) -> Self {
        let idle = Priority {
            position: 0.0,
            hold: 0,
            wanted: false,
            moving: false,
            curve: [1.0; BLOCK],
        };
        let mut ducker = Self {
            rate,
            depth: 0.0,
            attack: 1.0,
            hold: 0,
            release: 1.0,
            priorities: std::array::from_fn(|_| idle.clone()),
        };
        ducker.configure(config);
        ducker
    }

    pub(crate) fn configure(&mut self, config: &DuckingConfig) {
        let step = |ramp: Millis| 1000.0 / (ramp.0.max(SHORTEST_RAMP.0) as f32 * self.rate as f32);
        self.depth = match config.gain.0 {
            gain if gain.is_nan() => 0.0,
            gain => gain.clamp(DEEPEST, 0.0),
        };
        self.attack = step(config.attack);
        self.release = step(config.release);
        self.hold = (config.hold.0 as f64 * self.rate / 1000.0).min(f64::from(u32::MAX)) as u32;
    }

    /// Computes one block's gains. `sounding[kind]` tells which priorities deliver frames in this block.
    pub(crate) fn advance(&mut self, sounding: &[bool; KINDS], frames: usize) {
        let mut above = false;
        for (priority, sounds) in self.priorities.iter_mut().zip(sounding) {
            priority.wanted = above;
            if above {
                priority.hold = self.hold;
            }
            let step = if above {
                self.attack
            } else if priority.hold > 0 {
                priority.hold = priority.hold.saturating_sub(frames as u32);
                0.0
            } else {
                -self.release
            };
            priority.advance(step, self.depth, frames);
            above |= *sounds;
        }
    }

    pub(crate) fn gain(&self, kind: SourceKind, frames: usize) -> DuckGain<'_> {
        let priority = &self.priorities[kind as usize];
        if priority.moving {
            DuckGain::Moving(&priority.curve[..frames])
        } else {
            DuckGain::Constant(priority.curve[BLOCK - 1])
        }
    }

    /// Whether something more important than `kind` sounds now.
    pub(crate) fn wants(&self, kind: SourceKind) -> bool {
        self.priorities[kind as usize].wanted
    }

    /// The present gain of `kind`.
    pub(crate) fn decibels(&self, kind: SourceKind) -> Decibels {
        Decibels(curve(self.priorities[kind as usize].position) * self.depth)
    }
}

impl Priority {
    fn advance(&mut self, step: f32, depth: f32, frames: usize) {
        let end = if step > 0.0 { 1.0 } else { 0.0 };
        self.moving = step != 0.0 && self.position != end;
        if self.moving {
            for gain in &mut self.curve[..frames] {
                self.position = (self.position + step).clamp(0.0, 1.0);
                *gain = Decibels(curve(self.position) * depth).to_linear();
            }
            if frames < BLOCK {
                self.curve[BLOCK - 1] = self.curve[frames - 1];
            }
        }
    }
}

/// The cubic S-curve from 0 to 1 with level ends.
fn curve(position: f32) -> f32 {
    position * position * (3.0 - 2.0 * position)
}
