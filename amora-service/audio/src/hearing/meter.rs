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

/// The room's noise is the lowest that is heard while the box is silent; it is taken to rise by this part a block, 2 dB a
/// second.
const NOISE_RISE: f32 = 1.0046;

/// An engine can be told by what it leaves only where the echo is so many times stronger than the noise: 10 dB.
const AUDIBLE: f32 = 10.0;

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
    /// Mean square of the room's noise; `None` while the box has not been silent yet.
    noise: Option<f32>,
}

impl EchoMeter {
    /// The engine begins anew.
    pub(super) fn restart(&mut self) {
        *self = Self {
            envelope: self.envelope,
            double_talk: self.double_talk,
            noise: self.noise,
            ..Self::default()
        };
    }

    /// Takes note of the mean squares of a block. `near` says whether somebody speaks in the room.
    pub(super) fn observe(&mut self, reference: f32, microphone: f32, clean: f32, near: bool) {
        self.envelope = reference.max(DECAY * self.envelope);
        if self.envelope < SOUNDING {
            let noise = self
                .noise
                .map_or(microphone, |noise| microphone.min(NOISE_RISE * noise));
            self.noise = Some(noise.max(f32::MIN_POSITIVE));
        }
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

    /// The same once the engine had time to learn, where the echo is loud enough for it to say something of the engine.
    pub(super) fn telling_reduction(&self) -> Option<f32> {
        let audible = self.echo > AUDIBLE * self.noise.unwrap_or(0.0);
        self.reduction().filter(|_| audible && self.learnt >= LEARNING)
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
        let reduction = meter.telling_reduction().unwrap();
        assert!((reduction - 30.0).abs() < 0.1, "{reduction} dB");
        assert!((meter.double_talk() - 0.5).abs() < 0.02);
    }

    #[test]
    fn echo_within_the_rooms_noise_tells_nothing_of_an_engine() {
        let hear = |noise: f32| {
            let mut meter = EchoMeter::default();
            for _ in 0..2 {
                (0..400).for_each(|_| meter.observe(0.01, 1e-5 + noise, noise, false));
                (0..400).for_each(|_| meter.observe(0.0, noise, noise, false));
            }
            (meter.reduction().unwrap(), meter.telling_reduction())
        };
        let (reduction, telling) = hear(1e-5);
        assert!((reduction - 3.0).abs() < 0.1, "{reduction} dB");
        assert_eq!(telling, None);
        let (reduction, telling) = hear(1e-7);
        assert_eq!(telling, Some(reduction));
        assert!((reduction - 20.0).abs() < 0.1, "{reduction} dB");
    }
}
