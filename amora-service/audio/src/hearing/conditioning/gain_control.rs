//! Brings talkers to one level: slowly up, quickly down, and only for speech.

use super::limiter::Limiter;
use crate::echo::BLOCK;
use crate::hearing::meter::{decibels, power};
use amora_contract::units::Decibels;

/// What speech is brought to, as the root mean square while somebody speaks: −23 dB leaves its peaks 8 dB and more.
const TARGET: f32 = -23.0;

/// Least and most gain, in dB.
const LEAST: f32 = -6.0;
const MOST: f32 = 18.0;

/// Noise is never raised above this, in dB: whoever is quiet in a loud room stays quiet.
const LOUDEST_NOISE: f32 = -50.0;

/// While somebody speaks the noise seems louder than it is: it is taken to rise by no more than this, in dB a block, from
/// the lowest that was seen, unless that was no noise of a microphone.
const NOISE_RISE: f32 = 0.01;
const NO_NOISE: f32 = -120.0;

/// How fast the gain follows the talker, up and down, in dB a block of speech: 5 dB and 40 dB a second.
const UP: f32 = 0.05;
const DOWN: f32 = 0.4;

/// How fast a gain that was learnt is taken off and put on again when the box begins and ceases to sound alone, in dB a
/// block: 60 dB a second.
const SWITCH: f32 = 0.6;

/// The part of a block in the level of a talker, a second of speech, and in that of the last word.
const TALKER: f32 = 0.01;
const WORD: f32 = 0.1;

/// A word this much louder than the talker, as a ratio of powers, is of another talker, or of one who came nearer: 6 dB.
const LOUDER: f32 = 4.0;

/// Blocks of speech before anything is believed: 0.2 s.
const ENOUGH: u32 = 20;

/// The share of its frequencies that speech fills at least.
const FILLED: f32 = 0.2;

/// Speech stands this far above the noise, in dB,
const ABOVE_NOISE: f32 = 6.0;

/// and has fallen by this much, in dB, within half a second, as it does between syllables; a fan that was switched on
/// has only risen.
const FALL: f32 = 8.0;
const SPAN: usize = 50;

/// What is known of a block besides its sound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// The share of the voice's frequencies that hold more than noise.
    pub(super) speech: f32,
    /// Mean square of the room's noise.
    pub(super) noise: f32,
    /// The box sounds and nobody else is known to speak: what is heard is echo.
    pub(super) echo: bool,
}

pub(super) struct GainControl {
    /// Mean squares of the talker and of the last word, and blocks of speech that went into them.
    talker: f32,
    word: f32,
    heard: u32,
    /// Levels of the latest blocks, in dB, a ring.
    levels: [f32; SPAN],
    blocks: usize,
    /// The talker's gain, and the one in force, in dB.
    learnt: f32,
    applied: f32,
    /// Level of the noise, in dB.
    noise: f32,
    limiter: Limiter,
}

impl GainControl {
    /// Frames by which what comes out is late.
    pub(super) const LATENCY: usize = Limiter::LATENCY;

    pub(super) fn new() -> Self {
        Self {
            talker: 0.0,
            word: 0.0,
            heard: 0,
            levels: [0.0; SPAN],
            blocks: 0,
            learnt: 0.0,
            applied: 0.0,
            noise: f32::NEG_INFINITY,
            limiter: Limiter::new(),
        }
    }

    /// The gain in force.
    pub(super) fn gain(&self) -> Decibels {
        Decibels(self.applied)
    }

    /// Brings a block to its level in place.
    pub(super) fn process(&mut self, block: &mut [f32; BLOCK], circumstances: Circumstances) {
        let power = power(block);
        self.levels[self.blocks % SPAN] = decibels(power);
        self.blocks += 1;
        if self.is_speech(power, circumstances) {
            self.learn(power - circumstances.noise);
        }
        let noise = decibels(circumstances.noise);
        self.noise = if self.noise < NO_NOISE {
            noise
        } else {
            noise.min(self.noise + NOISE_RISE)
        };
        let most = (LOUDEST_NOISE - self.noise).max(0.0);
        if self.learnt > most {
            self.learnt = most.max(self.learnt - DOWN);
        }
        let wanted = if circumstances.echo {
            self.learnt.min(0.0)
        } else {
            self.learnt
        };
        let before = Decibels(self.applied).to_linear();
        self.applied += (wanted - self.applied).clamp(-SWITCH, SWITCH);
        let after = Decibels(self.applied).to_linear();
        let slope = (after - before) / BLOCK as f32;
        for (n, sample) in block.iter_mut().enumerate() {
            *sample *= before + slope * (n + 1) as f32;
        }
        self.limiter.process(block);
    }

    fn is_speech(&self, power: f32, circumstances: Circumstances) -> bool {
        !circumstances.echo
            && self.blocks >= SPAN
            && circumstances.speech > FILLED
            && decibels(power) > decibels(circumstances.noise) + ABOVE_NOISE
            && self.fell()
    }

    /// Whether the level fell within the span as it does from syllable to syllable.
    fn fell(&self) -> bool {
        let (newer, older) = self.levels.split_at(self.blocks % SPAN);
        let mut highest = f32::MIN;
        older.iter().chain(newer).any(|level| {
            highest = highest.max(*level);
            highest - level > FALL
        })
    }

    /// Follows the talker.
    fn learn(&mut self, power: f32) {
        self.heard = self.heard.saturating_add(1);
        let first = 1.0 / self.heard as f32;
        self.word += WORD.max(first) * (power - self.word);
        self.talker += TALKER.max(first) * (power - self.talker);
        self.talker = self.talker.max(self.word / LOUDER);
        if self.heard < ENOUGH {
            return;
        }
        let wanted = (TARGET - decibels(self.talker)).clamp(LEAST, MOST);
        self.learnt += (wanted - self.learnt).clamp(-DOWN, UP);
    }
}
