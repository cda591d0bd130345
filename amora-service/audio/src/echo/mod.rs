//! Taking the box's own sound out of what its microphone hears.

pub mod aec3;
pub(crate) mod gain_filter;
pub mod kalman;
#[doc(hidden)]
pub mod scenes;
pub mod speex;
mod suppressor;
#[cfg(test)]
mod tests;

use amora_contract::units::Frames;

/// Frames in a block: 10 ms at 48 kHz.
pub const BLOCK: usize = 480;

/// Takes the echo of what the box plays out of what its microphone hears, block by block.
///
/// Both streams are mono at 48 kHz, full scale ±1, and stand on one time line: the reference is what was leaving the card
/// while the microphone heard the block, so the echo of a block comes with it or after it. Not for the real-time thread:
/// an engine may allocate.
pub trait EchoCanceller: Send {
    /// Cleans `microphone` in place.
    fn process(&mut self, reference: &[f32; BLOCK], microphone: &mut [f32; BLOCK]);

    /// Forgets the room, for a time line that broke.
    fn restart(&mut self);

    /// How much the latest block speaks for somebody who talks in the room, 0 to 1, from an engine that can tell.
    fn near_end(&self) -> Option<f32> {
        None
    }

    /// By how much what comes out is later than what went in.
    fn latency(&self) -> Frames;
}
