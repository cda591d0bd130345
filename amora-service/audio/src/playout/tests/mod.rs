mod bursts;
mod engine;
mod live;
mod loss;
mod properties;
mod streams;

use super::joints::{OVERLAP, RISE};
use super::*;
use crate::opus::{Decoder, Encoded, Encoder, EncoderSettings, OpusError, PacketInfo, Profile, RATE};
use std::f64::consts::TAU;
use std::ops::Range;
use std::time::Duration;

/// Frames of a turn: 5 ms.
const TURN: usize = 240;

/// A packet on its way.
#[derive(Debug, Clone)]
struct Packet {
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
    /// When it arrives, in seconds.
    at: f64,
}

/// Seeded chance: xorshift64*.
struct Chance(u64);

impl Chance {
    /// 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Packets are numbers, and sound is a function of the frame's number: so nothing of a codec is in the measurement.
#[derive(Debug)]
struct Numbers {
    sound: fn(u64) -> f32,
    next: u64,
}

impl Numbers {
    fn fill(&mut self, samples: &mut [f32]) {
        for sample in samples {
            *sample = (self.sound)(self.next);
            self.next += 1;
        }
    }
}

/// What every packet of these tests says of itself: 20 ms, and silence where it is as short as DTX makes it.
fn told(packet: &[u8]) -> PacketInfo {
    PacketInfo {
        frames: 960,
        piece: 960,
        redundant: false,
        silent: packet.len() <= 2,
    }
}

impl Decode for Numbers {
    fn inspect(&self, packet: &[u8]) -> Result<PacketInfo, OpusError> {
        Ok(told(packet))
    }

    fn decode(&mut self, packet: &[u8], samples: &mut [f32]) -> Result<(), OpusError> {
        self.next = packet
            .try_into()
            .map_or(0, |bytes| u64::from(u32::from_le_bytes(bytes)) * 960);
        self.fill(samples);
        Ok(())
    }

    fn recover(&mut self, _: &[u8], samples: &mut [f32]) -> Result<(), OpusError> {
        self.fill(samples);
        Ok(())
    }

    fn conceal(&mut self, samples: &mut [f32]) -> Result<(), OpusError> {
        self.fill(samples);
        Ok(())
    }

    fn restart(&mut self) {}
}

/// 1 kHz at −12 dB.
fn tone_at(frame: u64) -> f32 {
    (0.25 * (TAU * ((frame % 48) as f64 / 48.0)).sin()) as f32
}

/// Every frame another value.
fn ramp_at(frame: u64) -> f32 {
    0.01 + (frame % 60_000) as f32 / 65_536.0
}

/// The largest step that [`tone_at`] makes by itself.
fn own_step() -> f32 {
    (0.5 * (TAU / 2.0 / 48.0).sin()) as f32
}

fn numbers(sound: fn(u64) -> f32, arrivals: Arrivals) -> Playout<Numbers> {
    let options = PlayoutOptions {
        arrivals,
        ..PlayoutOptions::default()
    };
    Playout::with_decoder(Numbers { sound, next: 0 }, options)
}

/// Numbered packets; `at` says when which arrives.
fn numbered(count: usize, at: impl Fn(usize) -> f64) -> Vec<Packet> {
    (0..count)
        .map(|n| Packet {
            sequence: n as u16,
            timestamp: (n * 960) as u32,
            payload: (n as u32).to_le_bytes().to_vec(),
            at: at(n),
        })
        .collect()
}

/// Packets of a sound as it is spoken from the first second on.
fn encoded(sound: &[f32], settings: EncoderSettings) -> Vec<Packet> {
    let mut encoder = Encoder::new(Profile::Voice, settings).unwrap();
    let mut sequence = 0u16;
    let mut packets = Vec::new();
    for (n, frames) in sound.chunks_exact(960).enumerate() {
        if let Encoded::Packet(packet) = encoder.encode(frames).unwrap() {
            packets.push(Packet {
                sequence,
                timestamp: (n * 960) as u32,
                payload: packet.to_vec(),
                at: 1.0 + n as f64 * 0.02,
            });
            sequence = sequence.wrapping_add(1);
        }
    }
    packets
}

/// Hands packets over as they arrive and takes sound meanwhile, from one second to another.
fn play<D: Decode>(playout: &mut Playout<D>, mut packets: Vec<Packet>, seconds: Range<f64>) -> Vec<f32> {
    packets.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut packets = packets.into_iter().peekable();
    let turns = ((seconds.end - seconds.start) * RATE.0) as usize / TURN;
    let mut heard = vec![0.0; turns * TURN];
    for (n, turn) in heard.chunks_exact_mut(TURN).enumerate() {
        let now = seconds.start + (n * TURN) as f64 / RATE.0;
        while let Some(packet) = packets.next_if(|packet| packet.at <= now) {
            let arrived = Duration::from_secs_f64(packet.at);
            let _ = playout.receive(packet.sequence, packet.timestamp, &packet.payload, arrived);
        }
        playout.take(Duration::from_secs_f64(now), turn);
    }
    heard
}

/// Every packet is accounted for.
fn check_sum<D: Decode>(playout: &Playout<D>) {
    let counters = playout.counters();
    let fates = counters.played
        + counters.late
        + counters.duplicate
        + counters.dropped
        + counters.refused
        + playout.queued() as u64;
    assert_eq!(counters.received, fates, "{counters:?}");
}
