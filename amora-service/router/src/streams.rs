//! What flows too fast for the state document: sound for listening along.

use std::sync::Arc;

/// Frames per second of the listening stream.
pub const SOUND_RATE: u32 = 48_000;

/// Frames in one block of the listening stream (20 ms).
pub const SOUND_BLOCK_FRAMES: usize = 960;

/// Interleaved 16-bit stereo: [`SOUND_BLOCK_FRAMES`] frames at [`SOUND_RATE`].
pub type SoundBlock = Arc<[i16]>;

/// Blocks kept for a slow listener (one second); one that falls further behind loses the oldest.
pub(crate) const SOUND_QUEUE: usize = 50;
