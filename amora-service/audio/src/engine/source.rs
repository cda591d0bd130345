//! What can sound, and the writing end of a source.

use amora_contract::units::{Decibels, Frames};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Kinds of source, the most important first. What is more important turns down what is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// A page or a push-to-talk call.
    Page,
    /// The assistant's speech.
    Speech,
    /// A story.
    Story,
    /// Chimes and test tones.
    Chime,
    /// Music.
    Music,
}

impl SourceKind {
    /// Every kind, the most important first.
    pub const ALL: [Self; 5] = [Self::Page, Self::Speech, Self::Story, Self::Chime, Self::Music];

    /// The name, as the state shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Speech => "speech",
            Self::Story => "story",
            Self::Chime => "chime",
            Self::Music => "music",
        }
    }
}

/// What a writer and the mixer share.
#[derive(Debug)]
pub(crate) struct SourceShared {
    /// Linear gain as bits.
    gain: AtomicU32,
    /// Frames ever written when the writer last said that it had written all there is.
    ended: AtomicU64,
    /// Frames ever written when the writer last threw away what was waiting.
    flushed: AtomicU64,
    /// Frames ever taken by the mixer.
    taken: AtomicU64,
    /// Whether anything of this source can still be heard.
    sounding: AtomicBool,
}

impl SourceShared {
    pub(crate) fn gain(&self) -> f32 {
        f32::from_bits(self.gain.load(Ordering::Relaxed))
    }

    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn flushed(&self) -> u64 {
        self.flushed.load(Ordering::Acquire)
    }

    pub(crate) fn report(&self, taken: u64, sounding: bool) {
        self.sounding.store(sounding, Ordering::Release);
        self.taken.store(taken, Ordering::Release);
    }
}

/// The mixer's end of a source.
#[derive(Debug)]
pub(crate) struct SourceEnd {
    pub(crate) kind: SourceKind,
    pub(crate) samples: Consumer<f32>,
    pub(crate) shared: Arc<SourceShared>,
    pub(crate) prefill: usize,
}

/// The writing end of a source. Dropping it plays what is waiting and then removes the source.
#[derive(Debug)]
pub struct SourceWriter {
    kind: SourceKind,
    samples: Producer<f32>,
    shared: Arc<SourceShared>,
    written: u64,
}

pub(crate) fn source(kind: SourceKind, capacity: Frames, prefill: Frames) -> (SourceEnd, SourceWriter) {
    let capacity = capacity.0.max(prefill.0).max(1) as usize;
    let (producer, consumer) = RingBuffer::new(capacity * 2);
    let shared = Arc::new(SourceShared {
        gain: AtomicU32::new(1f32.to_bits()),
        ended: AtomicU64::new(0),
        flushed: AtomicU64::new(0),
        taken: AtomicU64::new(0),
        sounding: AtomicBool::new(false),
    });
    let end = SourceEnd {
        kind,
        samples: consumer,
        shared: Arc::clone(&shared),
        prefill: prefill.0 as usize,
    };
    let writer = SourceWriter {
        kind,
        samples: producer,
        shared,
        written: 0,
    };
    (end, writer)
}

impl SourceWriter {
    /// What this source is.
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// Writes as many whole frames of interleaved stereo, full scale ±1, as there is room for, and returns how many.
    /// What is no number, or beyond ±16, is silenced or clipped by the mixer.
    ///
    /// The source begins to sound when its prefill waits or [`end`](Self::end) was called, whichever is first.
    pub fn push(&mut self, samples: &[f32]) -> usize {
        let frames = (samples.len() / 2).min(self.free().0 as usize);
        let pushed = self.samples.push_entire_slice(&samples[..frames * 2]);
        debug_assert!(pushed.is_ok());
        self.written += frames as u64;
        frames
    }

    /// Says that what was written is whole: it is played to its last frame, and running dry then is no underrun.
    /// Writing again begins anew.
    pub fn end(&mut self) {
        self.shared.ended.store(self.written, Ordering::Release);
    }

    /// Throws away what waits and fades out what sounds within a few milliseconds, without a click. What is written
    /// afterwards is played.
    pub fn flush(&mut self) {
        self.shared.flushed.store(self.written, Ordering::Release);
    }

    /// Frames that [`push`](Self::push) takes at present.
    pub fn free(&self) -> Frames {
        Frames((self.samples.slots() / 2) as u64)
    }

    /// Frames waiting.
    pub fn queued(&self) -> Frames {
        Frames(
            self.written
                .saturating_sub(self.shared.taken.load(Ordering::Acquire)),
        )
    }

    /// Whether everything written was handed to the card and the mixer is silent about this source.
    /// The card's buffer then still holds its few milliseconds.
    pub fn is_drained(&self) -> bool {
        self.queued().0 == 0 && !self.shared.sounding.load(Ordering::Acquire)
    }

    /// Whether the engine has ended.
    pub fn is_ended(&self) -> bool {
        self.samples.is_abandoned()
    }

    /// The source's own gain, ramped. The default is 0 dB; above +12 dB is taken as +12 dB.
    pub fn set_gain(&self, gain: Decibels) {
        self.shared
            .gain
            .store(crate::mixer::gain_factor(gain).to_bits(), Ordering::Relaxed);
    }
}

impl Drop for SourceWriter {
    fn drop(&mut self) {
        self.end();
    }
}
