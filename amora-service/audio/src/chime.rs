//! The box's chimes, synthesised.

use amora_contract::commands::Chime;
use amora_contract::units::{Decibels, Hertz};
use std::f64::consts::{PI, TAU};

/// Peak of the loudest note: heard over music that is ducked, not startling in a quiet room.
const LEVEL: Decibels = Decibels(-12.0);

/// Rise of a note: soft like a felt mallet, not a switch.
const ATTACK_SECONDS: f64 = 0.008;

/// Every chime ends in this long a fade to exactly zero.
const ENDING_SECONDS: f64 = 0.04;

/// Partials of a struck bar: ratio to the fundamental, amplitude, decay time constant in seconds. The upper ones
/// die first, as wood and glass do; all are whole multiples or nearly, so a note has one clear pitch.
const PARTIALS: [(f64, f64, f64); 4] = [
    (1.0, 1.0, 0.28),
    (2.0, 0.3, 0.18),
    (3.0, 0.12, 0.10),
    (4.16, 0.06, 0.05),
];

struct Note {
    start: f64,
    frequency: f64,
    strength: f64,
}

fn score(chime: Chime) -> (Vec<Note>, f64) {
    const E4: f64 = 329.63;
    const G4: f64 = 392.0;
    const E5: f64 = 659.26;
    const G5: f64 = 783.99;
    const C6: f64 = 1046.5;
    let note = |start, frequency, strength| Note {
        start,
        frequency,
        strength,
    };
    // A rising and a falling fourth; one note thrice; a low third, sounded twice.
    match chime {
        Chime::Ready => (vec![note(0.0, G5, 0.8), note(0.16, C6, 1.0)], 1.2),
        Chime::Done => (vec![note(0.0, C6, 0.8), note(0.16, G5, 1.0)], 1.2),
        Chime::Attention => ([0.0, 0.2, 0.4].map(|start| note(start, E5, 1.0)).into(), 1.4),
        Chime::Error => (
            [(0.0, E4), (0.0, G4), (0.22, E4), (0.22, G4)]
                .map(|(start, frequency)| note(start, frequency, 0.7))
                .into(),
            1.1,
        ),
    }
}

/// The chime at `rate`: interleaved stereo, both channels alike, starting and ending at zero.
pub fn render(chime: Chime, rate: Hertz) -> Vec<f32> {
    let (notes, seconds) = score(chime);
    let length = (seconds * rate.0) as usize;
    let mut mono = vec![0f64; length];
    for note in notes {
        let start = (note.start * rate.0) as usize;
        for (n, sample) in mono[start..].iter_mut().enumerate() {
            let time = n as f64 / rate.0;
            let attack = rise(time / ATTACK_SECONDS);
            let sum: f64 = PARTIALS
                .iter()
                .filter(|(ratio, ..)| note.frequency * ratio < rate.0 * 0.45)
                .map(|(ratio, amplitude, decay)| {
                    amplitude * (-time / decay).exp() * (TAU * note.frequency * ratio * time).sin()
                })
                .sum();
            *sample += note.strength * attack * sum;
        }
    }
    let peak = mono
        .iter()
        .fold(f64::MIN_POSITIVE, |peak, sample| peak.max(sample.abs()));
    let gain = f64::from(LEVEL.to_linear()) / peak;
    let ending = ENDING_SECONDS * rate.0;
    mono.iter()
        .enumerate()
        .flat_map(|(n, sample)| {
            let left = (length - 1 - n) as f64 / ending;
            let sample = (sample * gain * rise(left)) as f32;
            [sample, sample]
        })
        .collect()
}

/// A raised cosine from 0 to 1.
fn rise(position: f64) -> f64 {
    0.5 - 0.5 * (PI * position.clamp(0.0, 1.0)).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    const CHIMES: [Chime; 4] = [Chime::Ready, Chime::Done, Chime::Attention, Chime::Error];

    #[test]
    fn chimes_start_and_end_at_zero_without_a_click_at_any_rate() {
        for chime in CHIMES {
            for rate in [8000.0, 44_100.0, 48_000.0, 192_000.0] {
                let sound = render(chime, Hertz(rate));
                let left: Vec<f32> = sound.iter().step_by(2).copied().collect();
                assert!(left[0].abs() < 1e-6 && left[left.len() - 1].abs() < 1e-6);
                let peak = analysis::peak(&left);
                assert!((peak.0 - LEVEL.0).abs() < 0.01, "{chime:?}: {peak}");
                // The steepest slope of a 1046 Hz tone and its partials at this level.
                let steepest = LEVEL.to_linear() * (1046.5 * TAU / rate) as f32 * 2.0;
                assert!(analysis::largest_step(&left).size < steepest);
            }
        }
    }

    #[test]
    fn ready_rises_and_done_falls() {
        let pitch = |chime, at: f64| {
            let sound = render(chime, Hertz(48_000.0));
            let from = (at * 48_000.0) as usize;
            let left: Vec<f32> = sound.iter().step_by(2).skip(from).take(6000).copied().collect();
            analysis::tone(&left, Hertz(48_000.0)).unwrap().frequency.0
        };
        assert!((pitch(Chime::Ready, 0.01) - 784.0).abs() < 8.0);
        assert!((pitch(Chime::Ready, 0.6) - 1046.5).abs() < 8.0);
        assert!((pitch(Chime::Done, 0.01) - 1046.5).abs() < 8.0);
        assert!((pitch(Chime::Done, 0.6) - 784.0).abs() < 8.0);
    }
}
