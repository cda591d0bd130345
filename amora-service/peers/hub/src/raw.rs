//! RTP as no hub sends it: a sender of the library gives out nothing but what was negotiated.

use crate::mouth::header;
use bytes::Bytes;
use rtc::interceptor::{Interceptor, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::rtp;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::VecDeque;
use std::time::Instant;

/// Next to the wire: behind all that would look at the packet.
pub(crate) const PLACE: Slot = Slot::Custom(1);

/// The first contributing source of a packet that is to be changed on its way. It is followed by the payload type and
/// the stream that the packet then gets.
const MARK: u32 = 0x616D_6F72;

/// A packet of RTP, however wrong. It is encrypted as any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RtpFields {
    /// As which codec, at most 127; as the one that was negotiated when missing.
    pub payload_type: Option<u8>,
    /// Its number. Encryption follows jumps of up to half the numbers there are.
    pub sequence: u16,
    /// When its sound begins, in samples.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// Of which stream (SSRC) it is; of the one that was negotiated when missing.
    pub stream: Option<u32>,
    /// What stands in it.
    pub payload: Bytes,
}

impl RtpFields {
    /// The packet as the library takes it, with what is to become of it.
    pub(crate) fn marked(self, payload_type: u8, ssrc: u32) -> rtp::Packet {
        let mut header = header(payload_type, self.sequence, self.timestamp, ssrc);
        header.marker = self.marker;
        let wanted = self.payload_type.unwrap_or(payload_type) & 0x7F;
        header.csrc = vec![MARK, u32::from(wanted), self.stream.unwrap_or(ssrc)];
        rtp::Packet {
            header,
            payload: self.payload,
        }
    }
}

/// Gives marked packets their true header.
#[derive(Default)]
pub(crate) struct Unmask {
    read: VecDeque<TaggedPacket>,
    written: VecDeque<TaggedPacket>,
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Unmask {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.read.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(rtp::Packet { header, .. }) = &mut packet.message.packet
            && let [MARK, payload_type, stream] = header.csrc[..]
        {
            header.payload_type = payload_type as u8;
            header.ssrc = stream;
            header.csrc.clear();
        }
        self.written.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.written.pop_front()
    }
}

impl Interceptor for Unmask {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
