//! Packets as no hub sends them.

use super::{BLOCKS, DECIBELS, DEVICE, HERTZ, MUSIC, Music, calling, connected, speech, tone};
use crate::support::Recording;
use amora_peer_hub::{BURST, Hub, Options, RtpFields, Session};
use bytes::Bytes;
use serde_json::json;
use std::cell::Cell;

/// Seconds of the hub's tone after all of it.
const SECONDS: usize = 3;

/// Bytes of any kind.
struct Noise(u32);

impl Noise {
    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let next = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 24) as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    /// Six frames of 20 ms in one packet: full-band CELT, all of one length.
    fn long_packet(&mut self) -> Bytes {
        let mut packet = vec![31 << 3 | 3, 6];
        packet.extend(self.bytes(6 * 20));
        packet.into()
    }
}

/// Sends everything that is wrong. Encryption bears numbers that leap forwards, by up to half of those there are; they end
/// a little before those with which the hub begins.
async fn send_wrong_packets(session: &Session) {
    let mut noise = Noise(1);
    let number = Cell::new(0u16);
    let send = async |step: u16, timestamp: u32, fields: RtpFields| {
        number.set(number.get().wrapping_add(step));
        let fields = RtpFields {
            sequence: number.get(),
            timestamp,
            ..fields
        };
        session.send_raw(fields).await.unwrap();
    };
    let of = |payload: Vec<u8>| RtpFields {
        payload: payload.into(),
        ..RtpFields::default()
    };
    // Nothing, too much, and anything.
    send(1, 0, of(Vec::new())).await;
    for length in [1, 2, 3, 60, 400, 1_150] {
        for _ in 0..4 {
            let payload = noise.bytes(length);
            send(1, 0, of(payload)).await;
        }
    }
    // Numbers and times from nowhere.
    for step in [2_900, 3_100, 20_000, 32_000, 1, 1, 32_000, 32_000, 1] {
        let long = RtpFields {
            payload: noise.long_packet(),
            ..RtpFields::default()
        };
        send(step, u32::from(step) << 17, long).await;
    }
    // 120 ms at a time, some of them twice.
    for position in 0..10 {
        for _ in 0..2 {
            let long = RtpFields {
                payload: noise.long_packet(),
                ..RtpFields::default()
            };
            send(1, position * 5_760, long).await;
        }
    }
    // What was never agreed on: other codecs, other streams.
    for payload_type in [0, 8, 63, 96, 127] {
        let other = RtpFields {
            payload_type: Some(payload_type),
            payload: noise.bytes(160).into(),
            ..RtpFields::default()
        };
        send(1, 0, other).await;
    }
    for stream in 1..=20 {
        let other = RtpFields {
            stream: Some(stream),
            payload: noise.long_packet(),
            ..RtpFields::default()
        };
        send(1, 0, other).await;
    }
    send(65_000u16.wrapping_sub(number.get()), 0, of(noise.bytes(20))).await;
    for length in [0, 1, 12, 13, 100, 1_400] {
        session.send_datagram(&noise.bytes(length)).await.unwrap();
    }
}

#[tokio::test]
async fn whatever_a_hub_sends_is_outlived_and_what_it_says_then_is_heard() {
    let hub = Hub::start(Options::default()).await.unwrap();
    let mut house = calling(hub.url());
    house.start_everything().await;
    let session = hub.connected(DEVICE).await;
    connected(&house).await;
    Music::play(&house).await;
    let client = house.client();
    send_wrong_packets(&session).await;
    speech(&house, true).await;
    speech(&house, false).await;
    let status = client.command("voice.get_status", json!({})).await;
    let received = status["counters"]["tts_frames_received"].as_u64().unwrap();
    assert!(received > 120, "twenty packets of 120 ms: {received} × 20 ms");

    session.say(&tone(SECONDS), BURST).await.unwrap();
    speech(&house, true).await;
    speech(&house, false).await;
    let state = client.state().await;
    assert_eq!(state["voice"]["link"], "connected");
    assert_eq!(hub.connects(DEVICE), 1, "it is the same call");
    assert_eq!(state["system"]["health"]["voice"]["condition"], "ok");
    house.end_service();

    let recording = Recording::read(&house.recording());
    let right = recording
        .levels(HERTZ)
        .iter()
        .filter(|level| (*level - DECIBELS).abs() < 2.0)
        .count();
    assert!(
        right > SECONDS * BLOCKS - 25,
        "the tone sounded for {right} × 20 ms"
    );
    // Ducked or not, and limited by whatever noise that made: it is never gone.
    let music = recording.levels(MUSIC);
    let first = music.iter().position(|level| *level > -21.0).unwrap();
    let last = music.iter().rposition(|level| *level > -21.0).unwrap();
    assert!(last - first > (SECONDS + 2) * BLOCKS);
    let lowest = music[first..last].iter().copied().fold(0.0, f64::min);
    let gone = music[first..last].iter().filter(|level| **level < -60.0).count();
    assert!(
        gone < 5,
        "the music is gone for {gone} × 20 ms, down to {lowest} dB"
    );
}
