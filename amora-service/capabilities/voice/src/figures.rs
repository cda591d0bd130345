//! What is counted and measured of a call, wherever it happens.

use amora_contract::state::{VoiceCounters, VoiceQueues};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Frames of sound in 20 ms, the unit of the counters.
pub(crate) const FRAME: u64 = 960;

/// Live figures. Everything is a single atomic, so a real-time thread may count too.
#[derive(Debug)]
pub struct Figures {
    started: Instant,
    connected: AtomicBool,
    mic_frames_captured: AtomicU64,
    mic_frames_sent: AtomicU64,
    mic_frames_dropped: AtomicU64,
    tts_frames_received: AtomicU64,
    tts_frames_played: AtomicU64,
    tts_frames_dropped: AtomicU64,
    aec_frames_processed: AtomicU64,
    connections: AtomicU64,
    connection_failures: AtomicU64,
    microphone_queue: AtomicU64,
    speech_queue: AtomicU64,
    audio_callback_micros: AtomicU64,
}

/// Figures of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Whether packets flow.
    pub connected: bool,
    /// Time since the start.
    pub uptime: Duration,
    /// What was counted since the start.
    pub counters: VoiceCounters,
    /// What waits.
    pub queues: VoiceQueues,
    /// How long the sound thread took for its last period.
    pub audio_callback: Duration,
}

/// Things that are counted, in frames of 20 ms where they are frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// A frame that the microphone heard.
    MicCaptured,
    /// A frame sent to the hub.
    MicSent,
    /// A frame of the microphone dropped because too many waited.
    MicDropped,
    /// A frame of speech that the hub sent.
    TtsReceived,
    /// A frame of speech played.
    TtsPlayed,
    /// A frame of speech dropped because too many waited.
    TtsDropped,
    /// A frame that went through the echo canceller.
    AecProcessed,
    /// A call made.
    Connection,
    /// An attempt that failed.
    ConnectionFailure,
}

/// Counts sound of any length in whole units of 20 ms.
#[derive(Debug)]
pub(crate) struct Meter {
    what: Count,
    /// Frames since the last whole unit.
    rest: u64,
}

impl Meter {
    pub(crate) const fn new(what: Count) -> Self {
        Self { what, rest: 0 }
    }

    /// Counts so many frames of sound.
    pub(crate) fn add(&mut self, frames: u64, figures: &Figures) {
        self.rest += frames;
        figures.count(self.what, self.rest / FRAME);
        self.rest %= FRAME;
    }
}

impl Default for Figures {
    fn default() -> Self {
        Self::new()
    }
}

impl Figures {
    /// Nothing counted yet.
    pub fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            started: Instant::now(),
            connected: AtomicBool::new(false),
            mic_frames_captured: zero(),
            mic_frames_sent: zero(),
            mic_frames_dropped: zero(),
            tts_frames_received: zero(),
            tts_frames_played: zero(),
            tts_frames_dropped: zero(),
            aec_frames_processed: zero(),
            connections: zero(),
            connection_failures: zero(),
            microphone_queue: zero(),
            speech_queue: zero(),
            audio_callback_micros: zero(),
        }
    }

    /// Counts `many` more.
    pub fn count(&self, what: Count, many: u64) {
        let counter = match what {
            Count::MicCaptured => &self.mic_frames_captured,
            Count::MicSent => &self.mic_frames_sent,
            Count::MicDropped => &self.mic_frames_dropped,
            Count::TtsReceived => &self.tts_frames_received,
            Count::TtsPlayed => &self.tts_frames_played,
            Count::TtsDropped => &self.tts_frames_dropped,
            Count::AecProcessed => &self.aec_frames_processed,
            Count::Connection => &self.connections,
            Count::ConnectionFailure => &self.connection_failures,
        };
        counter.fetch_add(many, Ordering::Relaxed);
    }

    /// Whether packets flow.
    pub fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
    }

    /// Frames of the microphone that wait.
    pub fn set_microphone_queue(&self, frames: u64) {
        self.microphone_queue.store(frames, Ordering::Relaxed);
    }

    /// Frames of speech that wait.
    pub fn set_speech_queue(&self, frames: u64) {
        self.speech_queue.store(frames, Ordering::Relaxed);
    }

    /// How long the sound thread took for its last period.
    pub fn set_audio_callback(&self, took: Duration) {
        self.audio_callback_micros
            .store(took.as_micros() as u64, Ordering::Relaxed);
    }

    /// The figures now.
    pub fn snapshot(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            connected: self.connected.load(Ordering::Relaxed),
            uptime: self.started.elapsed(),
            counters: VoiceCounters {
                mic_frames_captured: read(&self.mic_frames_captured),
                mic_frames_sent: read(&self.mic_frames_sent),
                mic_frames_dropped: read(&self.mic_frames_dropped),
                tts_frames_received: read(&self.tts_frames_received),
                tts_frames_played: read(&self.tts_frames_played),
                tts_frames_dropped: read(&self.tts_frames_dropped),
                aec_frames_processed: read(&self.aec_frames_processed),
                connections: read(&self.connections),
                connection_failures: read(&self.connection_failures),
            },
            queues: VoiceQueues {
                microphone: read(&self.microphone_queue),
                speech: read(&self.speech_queue),
            },
            audio_callback: Duration::from_micros(read(&self.audio_callback_micros)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_of_any_length_is_counted_in_20_ms() {
        let figures = Figures::new();
        let mut meter = Meter::new(Count::TtsPlayed);
        for (frames, counted) in [(480, 0), (480, 1), (5_760, 7), (959, 7), (1, 8), (0, 8)] {
            meter.add(frames, &figures);
            assert_eq!(figures.snapshot().counters.tts_frames_played, counted);
        }
    }
}
