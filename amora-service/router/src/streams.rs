//! What flows too fast for the state document: sound for listening along.

use std::sync::Arc;

/// Frames per second of the listening streams.
pub const SOUND_RATE: u32 = 48_000;

/// Frames in one block of what leaves the card (20 ms).
pub const SOUND_BLOCK_FRAMES: usize = 960;

/// Frames in one block of what the microphone hears (10 ms): an echo canceller's.
pub const MICROPHONE_BLOCK_FRAMES: usize = 480;

/// Interleaved 16-bit stereo at [`SOUND_RATE`].
pub type SoundBlock = Arc<[i16]>;

/// Blocks kept for a slow listener (one second); one that falls further behind loses the oldest.
pub(crate) const SOUND_QUEUE: usize = 50;
pub(crate) const MICROPHONE_QUEUE: usize = 100;
