//! What `/health` counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of all sessions since the hub's start, under the names of `/health`.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) frames_forwarded: AtomicU64,
    pub(crate) vad_onsets: AtomicU64,
    pub(crate) vad_ends: AtomicU64,
    pub(crate) tts_frames_routed: AtomicU64,
    pub(crate) tts_frames_dropped: AtomicU64,
}

impl Counters {
    /// Frames of speech that would go on to the speech service.
    pub fn frames_forwarded(&self) -> u64 {
        self.frames_forwarded.load(Ordering::Relaxed)
    }

    /// How often somebody began to speak.
    pub fn vad_onsets(&self) -> u64 {
        self.vad_onsets.load(Ordering::Relaxed)
    }

    /// How often somebody ended.
    pub fn vad_ends(&self) -> u64 {
        self.vad_ends.load(Ordering::Relaxed)
    }

    /// Frames of speech that were sent to devices.
    pub fn tts_frames_routed(&self) -> u64 {
        self.tts_frames_routed.load(Ordering::Relaxed)
    }

    /// Frames that could not be sent.
    pub fn tts_frames_dropped(&self) -> u64 {
        self.tts_frames_dropped.load(Ordering::Relaxed)
    }
}

pub(crate) fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}
