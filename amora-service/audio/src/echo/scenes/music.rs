//! Music to cancel: chords, a melody and a drum.

use super::{RATE, frames};
use crate::card::room::Random;
use amora_contract::units::Decibels;
use std::f64::consts::TAU;

/// Seconds of a beat: 100 a minute.
const BEAT: f64 = 0.6;

/// Roots of the chords in semitones from A2, a bar of four beats each, and whether the chord is a minor one.
const CHORDS: [(i32, bool); 4] = [(0, true), (-4, false), (3, false), (-2, false)];

/// Steps of the minor pentatonic scale that the melody walks on.
const SCALE: [i32; 6] = [12, 15, 17, 19, 22, 24];

/// `seconds` of music at −20 dBFS (root mean square), another tune for every seed.
pub fn music(seed: u64, seconds: f64) -> Vec<f32> {
    let mut sound = vec![0.0; frames(seconds)];
    let mut random = Random::new(seed);
    for beat in 0..(seconds / BEAT).ceil() as usize {
        let start = frames(beat as f64 * BEAT);
        let (root, minor) = CHORDS[beat / 4 % CHORDS.len()];
        if beat % 2 == 0 {
            for step in [0, if minor { 3 } else { 4 }, 7] {
                pluck(&mut sound, start, root + step, 0.25, 1.2);
            }
        }
        if beat % 4 == 0 {
            pluck(&mut sound, start, root - 12, 0.4, 2.4);
        }
        for half in 0..2 {
            let step = SCALE[(random.gaussian().abs() * 2.0) as usize % SCALE.len()];
            pluck(
                &mut sound,
                start + frames(half as f64 * BEAT / 2.0),
                step,
                0.3,
                0.5,
            );
        }
        drum(
            &mut sound,
            start,
            &mut random,
            if beat % 2 == 1 { 0.3 } else { 0.1 },
        );
    }
    super::set_level(&mut sound, Decibels(-20.0));
    sound
}

/// A struck note of eight harmonics, the higher the sooner gone.
fn pluck(sound: &mut [f32], start: usize, semitones: i32, amplitude: f64, seconds: f64) {
    let pitch = 110.0 * 2f64.powf(f64::from(semitones) / 12.0);
    let attack = 0.005;
    for (n, sample) in sound.iter_mut().skip(start).take(frames(seconds)).enumerate() {
        let time = n as f64 / RATE.0;
        let edge = (time / attack).min(1.0) * ((seconds - time) / attack).min(1.0);
        let tone: f64 = (1..=8)
            .map(|harmonic| {
                let order = f64::from(harmonic);
                (-time * 2.0 * order).exp() * (TAU * pitch * order * time).sin() / order
            })
            .sum();
        *sample += (amplitude * edge * tone) as f32;
    }
}

/// A tenth of a second of dying noise.
fn drum(sound: &mut [f32], start: usize, random: &mut Random, amplitude: f32) {
    for (n, sample) in sound.iter_mut().skip(start).take(frames(0.1)).enumerate() {
        *sample += amplitude * random.gaussian() * (-(n as f32) / 1000.0).exp();
    }
}
