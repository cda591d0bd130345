//! What a playout wants of a codec.

use crate::opus::{self, Decoder, OpusError, PacketInfo};

/// Decodes for a [`Playout`]: mono at 48 kHz.
pub trait Decode {
    /// Judges a packet.
    ///
    /// # Errors
    /// When it is none.
    fn inspect(&self, packet: &[u8]) -> Result<PacketInfo, OpusError>;

    /// Decodes a packet into `samples`, which has as many as [`inspect`](Self::inspect) said.
    ///
    /// # Errors
    /// When it can't be decoded after all.
    fn decode(&mut self, packet: &[u8], samples: &mut [f32]) -> Result<(), OpusError>;

    /// Fills `samples` with the piece before `next`, from its redundancy.
    ///
    /// # Errors
    /// When it can't.
    fn recover(&mut self, next: &[u8], samples: &mut [f32]) -> Result<(), OpusError>;

    /// Fills `samples`, a multiple of 2.5 ms, with what may have followed.
    ///
    /// # Errors
    /// When it can't.
    fn conceal(&mut self, samples: &mut [f32]) -> Result<(), OpusError>;

    /// Forgets the sound so far.
    fn restart(&mut self);
}

impl Decode for Decoder {
    fn inspect(&self, packet: &[u8]) -> Result<PacketInfo, OpusError> {
        opus::inspect(packet)
    }

    fn decode(&mut self, packet: &[u8], samples: &mut [f32]) -> Result<(), OpusError> {
        Self::decode(self, packet, samples).map(|_| ())
    }

    fn recover(&mut self, next: &[u8], samples: &mut [f32]) -> Result<(), OpusError> {
        Self::recover(self, next, samples)
    }

    fn conceal(&mut self, samples: &mut [f32]) -> Result<(), OpusError> {
        Self::conceal(self, samples)
    }

    fn restart(&mut self) {
        Self::restart(self);
    }
}
