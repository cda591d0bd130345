//! Opus, the codec of every call: RFC 6716 by libopus, mono at 48 kHz, full scale ±1.
//!
//! Frames of delay from the microphone's stream to a packet:
//!
//! | Profile | [`Framer`] and packet | [`Encoder`] | Together |
//! |---|---|---|---|
//! | [`Profile::Voice`] | 960 | 312 | 1272, 26.5 ms |
//! | [`Profile::LowLatency`] | 480 | 120 | 600, 12.5 ms |
//!
//! A packet's first frame waits until its last one is there; the encoder's share is what libopus calls lookahead and
//! contains the decoder's. The [`Decoder`] itself adds none.

mod decoder;
mod encoder;
mod framer;
mod packet;
#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use encoder::{Encoded, Encoder, EncoderSettings, Profile};
pub use framer::Framer;
pub use packet::{PacketInfo, inspect};

use amora_contract::units::Hertz;

/// Frames per second of everything here.
pub const RATE: Hertz = Hertz(48_000.0);

/// Frames in the longest packet that RFC 6716 allows: 120 ms.
pub const LONGEST_PACKET: usize = 5760;

/// Bytes of the largest packet that is taken: 120 ms at 510 kbit/s, the highest bit rate.
pub const LARGEST_PACKET: usize = 7650;

/// What can go wrong with Opus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpusError {
    /// libopus can't be set up.
    #[error("the Opus {what} can't be made: {cause}")]
    Setup {
        /// Encoder or decoder.
        what: &'static str,
        /// In libopus' words.
        cause: &'static str,
    },
    /// A setting out of its range.
    #[error("{setting} can't be {value}: it is {range}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What was asked for.
        value: u32,
        /// What is possible.
        range: &'static str,
    },
    /// Another number of frames than makes a packet, or than fits.
    #[error("{given} frames are not what an Opus packet takes here: {expected}")]
    Length {
        /// What was given.
        given: usize,
        /// What is possible.
        expected: &'static str,
    },
    /// Bytes that are no Opus packet.
    #[error("{length} bytes are no Opus packet: {cause}")]
    Packet {
        /// Their number.
        length: usize,
        /// Why.
        cause: &'static str,
    },
    /// libopus refused to encode.
    #[error("the Opus encoder failed: {0}")]
    Encode(&'static str),
}
