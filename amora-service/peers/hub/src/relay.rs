//! What a device sends, passed on to somebody else.

use crate::FRAME;
use crate::mouth::header;
use rtc::rtp::Packet;

/// Packets by which numbers may jump forwards or back within a stream; a larger jump is a new stream.
const LARGEST_JUMP: u16 = 500;
/// Samples by which timestamps may.
const LONGEST_JUMP: u32 = 10 * crate::RATE;

/// Gives the packets of one stream after the other the numbers of a single one: gaps and order within a stream stay.
pub(crate) struct Relay {
    payload_type: u8,
    ssrc: u32,
    /// The stream, number and timestamp of the last packet as it came.
    last: Option<(u32, u16, u32)>,
    /// From number and timestamp as they come to those that are sent.
    offset: (u16, u32),
    /// What the first packet of another stream gets.
    next: (u16, u32),
}

impl Relay {
    /// Passes packets on as this payload type and stream.
    pub(crate) fn new(payload_type: u8, ssrc: u32) -> Self {
        Self {
            payload_type,
            ssrc,
            last: None,
            offset: (0, 0),
            next: (0, 0),
        }
    }

    /// The packet as it is passed on.
    pub(crate) fn pass(&mut self, packet: &Packet) -> Packet {
        let (stream, sequence, timestamp) = (
            packet.header.ssrc,
            packet.header.sequence_number,
            packet.header.timestamp,
        );
        let follows = self.last.is_some_and(|last| {
            let (number, time) = (sequence.wrapping_sub(last.1), timestamp.wrapping_sub(last.2));
            last.0 == stream
                && number.min(number.wrapping_neg()) <= LARGEST_JUMP
                && time.min(time.wrapping_neg()) <= LONGEST_JUMP
        });
        if !follows {
            self.offset = (
                self.next.0.wrapping_sub(sequence),
                self.next.1.wrapping_sub(timestamp),
            );
        }
        self.last = Some((stream, sequence, timestamp));
        let number = sequence.wrapping_add(self.offset.0);
        let time = timestamp.wrapping_add(self.offset.1);
        self.next = (number.wrapping_add(1), time.wrapping_add(FRAME as u32));
        let mut header = header(self.payload_type, number, time, self.ssrc);
        header.marker = packet.header.marker || !follows;
        Packet {
            header,
            payload: packet.payload.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_calls_again_goes_on_where_it_ended() {
        let mut relay = Relay::new(111, 5);
        let mut pass = |stream, sequence, timestamp| {
            let passed = relay.pass(&Packet {
                header: header(96, sequence, timestamp, stream),
                payload: b"sound".as_slice().into(),
            });
            assert_eq!((passed.header.payload_type, passed.header.ssrc), (111, 5));
            assert_eq!(&passed.payload[..], b"sound");
            (
                passed.header.sequence_number,
                passed.header.timestamp,
                passed.header.marker,
            )
        };
        let end = u32::MAX - 959;
        assert_eq!(pass(1, u16::MAX, end), (0, 0, true));
        assert_eq!(pass(1, 0, 0), (1, 960, false));
        assert_eq!(pass(1, 3, 2_880), (4, 3_840, false), "two are lost");
        assert_eq!(pass(1, 2, 1_920), (3, 2_880, false), "one of them was late");
        assert_eq!(pass(1, 4, 3_840), (5, 4_800, false));
        assert_eq!(pass(2, 40_000, 7), (6, 5_760, true), "another stream");
        assert_eq!(pass(2, 40_001, 967), (7, 6_720, false));
        assert_eq!(pass(2, 40_002, 2_000_000_000), (8, 7_680, true), "a jump");
    }
}
