//! Lowers the room's steady noise.

use super::presence::Presence;
use crate::echo::BLOCK;
use crate::echo::gain_filter::{DELAY, GainFilter};
use crate::echo::kalman::spectrum::{BINS, Transform};

/// What is left of noise alone: −15 dB. All of it away would sound like a line that went dead.
const FLOOR: f32 = 0.178;

/// Weight of the last block's outcome in what speech is expected: Ephraim and Malah's decision-directed estimate (1984),
/// which keeps single bins of noise from chirping.
const DIRECTED: f32 = 0.92;

/// Shares of the voice's frequencies between which a block goes from noise alone to speech. Chance fills 0.06.
const NOISE_ALONE: f32 = 0.08;
const SPEECH: f32 = 0.16;

/// What is left of that from block to block after a word: 60 ms to a third.
const RELEASE: f32 = 0.85;

/// Least power of noise that is divided by.
const LEAST: f32 = 1e-20;

pub(super) struct NoiseSuppressor {
    filter: GainFilter,
    /// Power that passed in the last block.
    passed: [f32; BINS],
    /// How far the latest blocks were speech, 0 to 1.
    talk: f32,
}

impl NoiseSuppressor {
    /// Frames by which what comes out is late.
    pub(super) const LATENCY: usize = DELAY;

    pub(super) fn new() -> Self {
        Self {
            filter: GainFilter::new(),
            passed: [0.0; BINS],
            talk: 0.0,
        }
    }

    /// What is left of a mean square of noise alone.
    pub(super) fn left_of(noise: f32) -> f32 {
        FLOOR * FLOOR * noise
    }

    /// Lowers the noise of a block in place. `presence` has seen it.
    pub(super) fn process(
        &mut self,
        presence: &Presence,
        block: &mut [f32; BLOCK],
        transform: &mut Transform,
    ) {
        let now = ((presence.speech() - NOISE_ALONE) / (SPEECH - NOISE_ALONE)).clamp(0.0, 1.0);
        self.talk = now.max(RELEASE * self.talk);
        // Between words all goes down to the floor.
        let most = FLOOR + (1.0 - FLOOR) * self.talk;
        let mut gains = [1.0; BINS];
        let bins = presence.power().iter().zip(presence.noise());
        for ((gain, passed), (power, noise)) in gains.iter_mut().zip(&mut self.passed).zip(bins) {
            let noise = noise.max(LEAST);
            let now = (power / noise - 1.0).max(0.0);
            let speech = DIRECTED * *passed / noise + (1.0 - DIRECTED) * now;
            // The root of Wiener's gain keeps the power of speech, where that itself keeps its shape and takes its level.
            *gain = (most * (speech / (1.0 + speech)).sqrt()).max(FLOOR);
            *passed = *gain * *gain * power;
        }
        self.filter.process(&gains, block, transform);
    }
}
