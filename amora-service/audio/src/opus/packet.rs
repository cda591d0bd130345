//! What can be told of a packet without decoding it.

use super::{LARGEST_PACKET, OpusError};

/// Highest configuration in a packet's first byte that has a SILK layer, which alone carries redundancy.
const LAST_SILK: u8 = 15;

/// What a packet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketInfo {
    /// Frames of sound at 48 kHz, 120 to 5760.
    pub frames: usize,
    /// Frames of each of the pieces that the packet is made of.
    pub piece: usize,
    /// Whether it also holds, coarsely, the piece before it: in-band FEC.
    pub redundant: bool,
    /// Whether it only says that the sender is silent from here on: discontinuous transmission.
    pub silent: bool,
}

/// Judges bytes that came as a packet.
///
/// # Errors
/// [`OpusError::Packet`] when they are none.
pub fn inspect(packet: &[u8]) -> Result<PacketInfo, OpusError> {
    let refuse = |cause| OpusError::Packet {
        length: packet.len(),
        cause,
    };
    if packet.is_empty() {
        return Err(refuse("there is nothing in it"));
    }
    if packet.len() > LARGEST_PACKET {
        return Err(refuse("it is larger than any"));
    }
    let parsed = ::opus::packet::parse(packet).map_err(|error| refuse(error.description()))?;
    let piece =
        ::opus::packet::get_samples_per_frame(packet, 48_000).map_err(|error| refuse(error.description()))?;
    Ok(PacketInfo {
        frames: piece * parsed.frames.len(),
        piece,
        redundant: is_redundant(parsed.toc, parsed.frames[0], piece),
        silent: packet.len() <= 2,
    })
}

/// Whether the first piece says that it has redundancy: RFC 6716, 4.2.3 and 4.2.4. Voice activity of each 20 ms of a
/// channel comes first, then one bit for its redundancy, then the same for the other channel; bits of even odds are
/// the first byte's own.
fn is_redundant(first_byte: u8, piece: &[u8], frames: usize) -> bool {
    let Some(bits) = piece.first() else {
        return false;
    };
    if first_byte >> 3 > LAST_SILK {
        return false;
    }
    let spans = (frames / 960).max(1);
    let stereo = first_byte & 0b100 != 0;
    bits >> (7 - spans) & 1 == 1 || stereo && bits >> (6 - 2 * spans) & 1 == 1
}
