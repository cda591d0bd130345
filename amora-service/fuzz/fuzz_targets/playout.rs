//! Any packets in any order, taken at any pace: sound comes out, memory is bounded, every packet is accounted for.
#![no_main]

use amora_audio::opus::{Encoded, Encoder, EncoderSettings, Profile};
use amora_audio::playout::{Arrivals, Playout, PlayoutOptions};
use amora_contract::units::Millis;
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

/// The next `N` bytes, zeros where there are none left.
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (now, later) = bytes.split_at(N.min(bytes.len()));
    *bytes = later;
    std::array::from_fn(|n| now.get(n).copied().unwrap_or(0))
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes;
    let arrivals = [Arrivals::Automatic, Arrivals::Live, Arrivals::Bursts];
    let options = PlayoutOptions {
        arrivals: arrivals[usize::from(take::<1>(&mut bytes)[0]) % 3],
        capacity: Millis(500),
    };
    let mut playout = Playout::new(options).expect("libopus has memory");
    let settings = EncoderSettings {
        expected_loss: 20,
        complexity: 0,
        ..EncoderSettings::default()
    };
    let mut encoder = Encoder::new(Profile::Voice, settings).expect("libopus has memory");
    let (mut sequence, mut timestamp) = (0u16, 0u32);
    let mut now = Duration::from_secs(1);
    while !bytes.is_empty() {
        let [what, number] = take::<2>(&mut bytes);
        match what % 8 {
            // What an encoder made, a few packets on, damaged now and then.
            0..=2 => {
                let ahead = i16::from(number % 8) - 2;
                sequence = sequence.wrapping_add_signed(ahead);
                timestamp = timestamp.wrapping_add_signed(i32::from(ahead) * 960);
                let sound = [f32::from(number) / 512.0; 960];
                if let Ok(Encoded::Packet(packet)) = encoder.encode(&sound) {
                    let mut packet = packet.to_vec();
                    if what & 0x80 != 0 {
                        let at = usize::from(number) % packet.len();
                        packet[at] ^= what;
                    }
                    let _ = playout.receive(sequence, timestamp, &packet, now);
                }
            }
            // Anything at all.
            3 => {
                sequence = u16::from_le_bytes(take(&mut bytes));
                timestamp = u32::from_le_bytes(take(&mut bytes));
                let (payload, rest) = bytes.split_at(usize::from(number).min(bytes.len()));
                bytes = rest;
                let _ = playout.receive(sequence, timestamp, payload, now);
            }
            4 | 5 => {
                let mut out = vec![f32::NAN; usize::from(number) * 8];
                playout.take(now, &mut out);
                assert!(out.iter().all(|sample| sample.is_finite()));
                now += Duration::from_micros(out.len() as u64 * 1_000_000 / 48_000);
            }
            6 => now += Duration::from_millis(u64::from(number) * 8),
            _ if number & 1 == 0 => playout.flush(now),
            _ => playout.expect_another_stream(),
        }
        assert!(playout.depth().0 <= 24_000 + 5760 + 48_000);
        let counters = playout.counters();
        let fates = counters.played
            + counters.late
            + counters.duplicate
            + counters.dropped
            + counters.refused
            + playout.queued() as u64;
        assert_eq!(counters.received, fates);
    }
});
