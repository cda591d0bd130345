//! Test tones.

use amora_contract::units::{Decibels, Hertz, Millis};
use std::f64::consts::{PI, TAU};

/// Rise and fall of a test tone.
const RAMP: Millis = Millis(10);

/// Where a test tone sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// The left loudspeaker alone.
    Left,
    /// The right loudspeaker alone.
    Right,
    /// Both.
    Both,
}

/// A sine of `level` (its peak against full scale) and `duration`, interleaved stereo. It rises and falls along a
/// raised cosine within 10 ms (or half its length, where that is less) and is exact in pitch however long it is.
pub fn render(
    frequency: Hertz,
    level: Decibels,
    duration: Millis,
    channels: Channels,
    rate: Hertz,
) -> Vec<f32> {
    let length = duration.frames(rate).0 as usize;
    let ramp = (RAMP.frames(rate).0 as usize).clamp(1, (length / 2).max(1));
    let amplitude = f64::from(level.to_linear());
    let turns = frequency.0 / rate.0;
    (0..length)
        .flat_map(|n| {
            let edge = (n.min(length - 1 - n) as f64 / ramp as f64).min(1.0);
            let gain = amplitude * (0.5 - 0.5 * (PI * edge).cos());
            let sample = (gain * (TAU * (turns * n as f64).fract()).sin()) as f32;
            match channels {
                Channels::Left => [sample, 0.0],
                Channels::Right => [0.0, sample],
                Channels::Both => [sample, sample],
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    #[test]
    fn a_tone_has_its_pitch_and_level_on_its_channel_alone() {
        let rate = Hertz(48_000.0);
        let sound = render(Hertz(997.0), Decibels(-20.0), Millis(500), Channels::Right, rate);
        let channel = |c| sound.iter().skip(c).step_by(2).copied().collect::<Vec<f32>>();
        assert!(channel(0).iter().all(|sample| *sample == 0.0));
        let right = &channel(1)[960..23_040];
        let tone = analysis::tone(right, rate).unwrap();
        assert!((tone.frequency.0 - 997.0).abs() < 1e-3);
        assert!((tone.level.0 + 20.0).abs() < 1e-3);
        assert!(tone.distortion.0 < -120.0, "{}", tone.distortion);
    }

    #[test]
    fn a_tone_of_no_length_is_empty() {
        let tone = render(
            Hertz(1000.0),
            Decibels(0.0),
            Millis(0),
            Channels::Both,
            Hertz(48_000.0),
        );
        assert!(tone.is_empty());
    }
}
