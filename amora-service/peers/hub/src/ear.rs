//! A device's microphone as the hub hears it: from packets to utterances.

use crate::FRAME;
use crate::counters::{Counters, add};
use crate::heard::Heard;
use crate::onset::Onset;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::Arc;

/// Packets whose description is kept: two minutes of them.
const PACKETS: usize = 6_000;

/// A packet of the microphone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Received {
    /// Its number.
    pub sequence: u16,
    /// When its sound begins, in samples of the device's clock.
    pub timestamp: u32,
    /// As which codec it was sent.
    pub payload_type: u8,
    /// Bytes of Opus.
    pub bytes: usize,
    /// Seconds of the Unix clock.
    pub arrival: f64,
    /// Where its sound begins in all that was heard; nothing when it was skipped.
    pub position: Option<u64>,
}

/// Decodes and listens.
pub(crate) struct Ear {
    decoder: opus::Decoder,
    pub(crate) payload_type: u8,
    pub(crate) heard: Heard,
    pub(crate) packets: VecDeque<Received>,
    pub(crate) skipped: u64,
    onset: Onset,
    counters: Arc<Counters>,
}

impl Ear {
    /// Hears what is sent as this payload type.
    pub(crate) fn new(payload_type: u8, counters: Arc<Counters>) -> Result<Self, opus::Error> {
        Ok(Self {
            decoder: opus::Decoder::new(crate::RATE, opus::Channels::Mono)?,
            payload_type,
            heard: Heard::default(),
            packets: VecDeque::new(),
            skipped: 0,
            onset: Onset::new(),
            counters,
        })
    }

    /// Takes a packet, whose position is yet to be found; gives what was spoken when somebody has ended.
    pub(crate) fn take(&mut self, mut packet: Received, payload: &[u8]) -> Option<Vec<i16>> {
        let mut frame = [0; FRAME];
        // A buffer of 20 ms: what is longer fails, as in the hub.
        let decoded = if packet.payload_type == self.payload_type && !payload.is_empty() {
            self.decoder.decode(payload, &mut frame, false).ok()
        } else {
            None
        };
        packet.position = decoded.and_then(|length| self.heard.put(packet.timestamp, &frame[..length]));
        self.skipped += u64::from(packet.position.is_none());
        let whole = packet.position.is_some() && decoded == Some(FRAME);
        self.packets.push_back(packet);
        if self.packets.len() > PACKETS {
            self.packets.pop_front();
        }
        if !whole {
            return None;
        }
        let step = self.onset.take(&frame);
        add(&self.counters.frames_forwarded, step.forwarded);
        add(&self.counters.vad_onsets, u64::from(step.started));
        add(&self.counters.vad_ends, u64::from(step.ended.is_some()));
        step.ended
    }

    /// The session ends: who is speaking is cut short.
    pub(crate) fn cut_short(&mut self) {
        if self.onset.speaking() {
            self.onset = Onset::new();
            add(&self.counters.vad_ends, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u16, payload_type: u8, bytes: usize) -> Received {
        Received {
            sequence: number,
            timestamp: u32::from(number) * FRAME as u32,
            payload_type,
            bytes,
            arrival: 0.0,
            position: None,
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_skipped() {
        let mut encoder =
            opus::Encoder::new(crate::RATE, opus::Channels::Mono, opus::Application::Voip).unwrap();
        let frame = encoder.encode_vec(&[0; FRAME], 1_000).unwrap();
        let long = encoder.encode_vec(&[0; 3 * FRAME], 1_000).unwrap();
        let mut ear = Ear::new(111, Arc::default()).unwrap();
        let sent: [(u8, &[u8]); 5] = [
            (111, &frame),
            (111, &long),
            (96, &frame),
            (111, b""),
            (111, &[0xFF; 40]),
        ];
        for (number, (payload_type, payload)) in sent.into_iter().enumerate() {
            ear.take(packet(number as u16, payload_type, payload.len()), payload);
        }
        assert_eq!(ear.skipped, 4);
        assert_eq!(ear.heard.total(), FRAME as u64);
        let positions: Vec<_> = ear.packets.iter().map(|packet| packet.position).collect();
        assert_eq!(positions, [Some(0), None, None, None, None]);
    }
}
