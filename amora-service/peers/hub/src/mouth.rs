//! What the hub says to a device, as RTP whose numbers start at 0 and know no pause.

use crate::{FRAME, RATE};
use rtc::rtp::{Header, Packet};
use std::time::Duration;

/// Between the frames of a burst: ten times faster than they are played.
pub const BURST: Duration = Duration::from_millis(2);

/// Bytes of the largest packet.
const LARGEST: usize = 1_275;

/// Encodes and numbers.
pub(crate) struct Mouth {
    encoder: opus::Encoder,
    payload_type: u8,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

impl Mouth {
    pub(crate) fn new(payload_type: u8, ssrc: u32) -> Result<Self, opus::Error> {
        let mut encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip)?;
        encoder.set_bitrate(opus::Bitrate::Bits(32_000))?;
        Ok(Self {
            encoder,
            payload_type,
            ssrc,
            sequence: 0,
            timestamp: 0,
        })
    }

    /// The next packet.
    pub(crate) fn packet(&mut self, frame: &[i16; FRAME]) -> Result<Packet, opus::Error> {
        let payload = self.encoder.encode_vec(frame, LARGEST)?;
        let packet = Packet {
            header: header(self.payload_type, self.sequence, self.timestamp, self.ssrc),
            payload: payload.into(),
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        Ok(packet)
    }
}

/// The header of a packet.
pub(crate) fn header(payload_type: u8, sequence_number: u16, timestamp: u32, ssrc: u32) -> Header {
    Header {
        version: 2,
        payload_type,
        sequence_number,
        timestamp,
        ssrc,
        ..Header::default()
    }
}
