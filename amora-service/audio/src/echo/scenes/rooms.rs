//! Impulse responses of rooms.

use super::RATE;
use crate::card::room::response;
use amora_contract::config::RoomConfig;
use amora_contract::units::{Decibels, Millis};
use std::f64::consts::PI;

/// Metres a second, at 20 °C.
const SPEED_OF_SOUND: f64 = 343.0;

/// Half the length of the filter that places an image between two frames.
const REACH: i64 = 40;

/// Below this, images that all have one sign add up to what no room has: Allen & Berkley's filter.
const LOWEST: f64 = 100.0;

/// The response of the simulated card's room: 5 ms of direct way, then noise that falls by 60 dB within
/// `reverberation` seconds.
pub fn decaying(seed: u64, reverberation: f64) -> Vec<f32> {
    let room = RoomConfig {
        seed,
        echo: Decibels(0.0),
        echo_delay: Millis(5),
        reverberation: Millis((reverberation * 1000.0).round() as u64),
        ..RoomConfig::default()
    };
    response(&room, RATE)
}

/// A room of six flat walls, in metres.
#[derive(Debug, Clone)]
pub struct Shoebox {
    /// Length, width and height.
    pub size: [f64; 3],
    /// Share of the energy that a wall swallows, 0 to 1.
    pub absorption: f64,
    /// Where the loudspeaker is.
    pub loudspeaker: [f64; 3],
    /// Where the microphone is.
    pub microphone: [f64; 3],
}

/// The response of a shoebox room over `seconds`, by the image-source method (Allen & Berkley, "Image method for
/// efficiently simulating small-room acoustics", JASA 65, 1979), its energy 1.
pub fn shoebox(room: &Shoebox, seconds: f64) -> Vec<f32> {
    let mut response = vec![0f64; super::frames(seconds)];
    let reflection = (1.0 - room.absorption).sqrt();
    let furthest = seconds * SPEED_OF_SOUND;
    // Along one axis: the distance of each image and how many walls its sound has met.
    let axis = |n: usize| {
        let (size, from, to) = (room.size[n], room.loudspeaker[n], room.microphone[n]);
        let count = (furthest / (2.0 * size)).ceil() as i64 + 1;
        (-count..=count)
            .flat_map(move |m| {
                let shift = 2.0 * m as f64 * size;
                [
                    (shift + from - to, (2 * m).unsigned_abs() as i32),
                    (shift - from - to, (2 * m - 1).unsigned_abs() as i32),
                ]
            })
            .collect::<Vec<_>>()
    };
    let (lengths, widths, heights) = (axis(0), axis(1), axis(2));
    for (x, walls_x) in &lengths {
        for (y, walls_y) in &widths {
            for (z, walls_z) in &heights {
                let distance = (x * x + y * y + z * z).sqrt().max(0.01);
                if distance < furthest {
                    let walls = walls_x + walls_y + walls_z;
                    place(&mut response, distance, reflection.powi(walls) / distance);
                }
            }
        }
    }
    high_pass(&mut response);
    let energy: f64 = response.iter().map(|sample| sample * sample).sum();
    response
        .iter()
        .map(|sample| (sample / energy.sqrt()) as f32)
        .collect()
}

/// Adds an image's impulse where it arrives, between two frames by a windowed sinc.
fn place(response: &mut [f64], distance: f64, amplitude: f64) {
    let arrival = distance / SPEED_OF_SOUND * RATE.0;
    let whole = arrival.floor();
    let fraction = arrival - whole;
    let sine = (PI * fraction).sin();
    for tap in 1 - REACH..=REACH {
        let Ok(at) = usize::try_from(whole as i64 + tap) else {
            continue;
        };
        let Some(sample) = response.get_mut(at) else {
            break;
        };
        let offset = tap as f64 - fraction;
        let sign = if tap & 1 == 0 { -1.0 } else { 1.0 };
        let sinc = if offset.abs() < 1e-9 {
            1.0
        } else {
            sign * sine / (PI * offset)
        };
        let window = 0.5 + 0.5 * (PI * offset / (REACH as f64 + 1.0)).cos();
        *sample += amplitude * sinc * window;
    }
}

/// Allen & Berkley's filter against what is below [`LOWEST`].
fn high_pass(response: &mut [f64]) {
    let angle = 2.0 * PI * LOWEST / RATE.0;
    let decay = (-angle).exp();
    let (b1, b2) = (2.0 * decay * angle.cos(), -decay * decay);
    let (a1, a2) = (-(1.0 + decay), decay);
    let (mut y1, mut y2) = (0.0, 0.0);
    for sample in response {
        let y0 = *sample + b1 * y1 + b2 * y2;
        *sample = y0 + a1 * y1 + a2 * y2;
        (y1, y2) = (y0, y1);
    }
}
