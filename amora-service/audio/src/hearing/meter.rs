//! Levels and echo reduction, block by block.

use crate::echo::BLOCK;
use amora_contract::units::Decibels;

/// The part of a new block in a level shown: 0.3 s.
const LEVEL: f32 = 0.033;

/// The part of a new block in the echo reduction: one second.
const REDUCTION: f32 = 0.01;

/// How a room lets sound die away from block to block, at least: 60 dB in 0.4 s.
const DECAY: f32 = 0.7;

/// Mean square of a far end that sounds: −60 dB.
pub(super) const SOUNDING: f32 = 1e-6;

/// Blocks of echo after a restart before the reduction says something about the engine: three seconds.
const LEARNING: u32 = 300;

/// Mean square of a block.
pub(super) fn power(block: &[f32; BLOCK]) -> f32 {
    block.iter().map(|sample| sample * sample).sum::<f32>() / BLOCK as f32
}

pub(super) fn decibels(power: f32) -> f32 {
    10.0 * power.max(1e-20).log10()
}

/// A level that follows what it is given.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Level(f32);

impl Level {
    pub(super) fn observe(&mut self, power: f32) {
        self.0 += LEVEL * (power - self.0);
    }

    pub(super) fn decibels(self) -> Decibels {
        Decibels(decibels(self.0))
    }
}

/// What the engine makes of the echo.
#[derive(Debug, Default)]
pub(super) struct EchoMeter {
    envelope: f32,
    echo: f32,
    left: f32,
    learnt: u32,
    double_talk: f32,
}

impl EchoMeter {
    /// The engine begins anew.
    pub(super) fn restart(&mut self) {
        *self = Self {
            envelope: self.envelope,
            double_talk: self.double_talk,
            ..Self::default()
        };
    }

    /// Takes note of the mean squares of a block. `near` says whether somebody speaks in the room.
    pub(super) fn observe(&mut self, reference: f32, microphone: f32, clean: f32, near: bool) {
        self.envelope = reference.max(DECAY * self.envelope);
        if reference < SOUNDING {
            return;
        }
        self.double_talk += REDUCTION * (f32::from(u8::from(near)) - self.double_talk);
        if near {
            return;
        }
        // The first block's part is whole, so the mean is one from the start.
        let part = REDUCTION.max(1.0 / (self.learnt + 1) as f32);
        self.echo += part * (microphone - self.echo);
        self.left += part * (clean - self.left);
        self.learnt = self.learnt.saturating_add(1);
    }

    /// The loudest that may still be heard of what sounded.
    pub(super) fn envelope(&self) -> f32 {
        self.envelope
    }

    /// Echo return loss enhancement; `None` before the far end has sounded.
    pub(super) fn reduction(&self) -> Option<f32> {
        (self.learnt > 0).then(|| decibels(self.echo) - decibels(self.left))
    }

    /// The same once the engine had time to learn.
    pub(super) fn learnt_reduction(&self) -> Option<f32> {
        self.reduction().filter(|_| self.learnt >= LEARNING)
    }

    /// The share of the time the far end sounds in which somebody in the room speaks as well.
    pub(super) fn double_talk(&self) -> f32 {
        self.double_talk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reduction_counts_only_where_the_far_end_sounds_alone() {
        let mut meter = EchoMeter::default();
        assert_eq!(meter.reduction(), None);
        for n in 0..3000 {
            match n % 3 {
                0 => meter.observe(0.01, 1e-4, 1e-7, false),
                1 => meter.observe(0.01, 1e-2, 1e-2, true),
                _ => meter.observe(0.0, 1e-2, 1e-2, false),
            }
        }
        let reduction = meter.learnt_reduction().unwrap();
        assert!((reduction - 30.0).abs() < 0.1, "{reduction} dB");
        assert!((meter.double_talk() - 0.5).abs() < 0.02);
    }
}
