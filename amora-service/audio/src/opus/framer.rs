//! Blocks of any length to packets' worth of sound.

use std::collections::VecDeque;

/// Packets' worth that may wait; then the oldest gives way.
const QUEUE: usize = 50;

/// What a framer counted since it was made, in packets' worth of sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FramerCounters {
    /// Came in whole.
    pub captured: u64,
    /// Were taken.
    pub taken: u64,
    /// Gave way because nobody took them in time, or were thrown away by [`Framer::clear`].
    pub dropped: u64,
}

/// Cuts a microphone's stream into packets' worth of sound and queues 50 of them: one second of 20 ms packets. A full
/// queue drops the oldest. A packet's first frame waits until its last one is there: 960 or 480 frames of delay in
/// all, those included that a block already took to come about.
#[derive(Debug)]
pub struct Framer {
    packet: usize,
    samples: VecDeque<f32>,
    /// Frames of the packet that is not whole yet.
    rest: usize,
    counters: FramerCounters,
}

impl Framer {
    /// For packets of `packet` frames; see [`Profile::packet`](super::Profile::packet).
    ///
    /// # Panics
    /// When `packet` is zero.
    pub fn new(packet: usize) -> Self {
        assert!(packet > 0, "a packet has frames");
        Self {
            packet,
            samples: VecDeque::with_capacity((QUEUE + 1) * packet),
            rest: 0,
            counters: FramerCounters::default(),
        }
    }

    /// Takes mono samples, any number of them.
    pub fn push(&mut self, samples: &[f32]) {
        let mut samples = samples;
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.packet - self.rest));
            self.samples.extend(now);
            self.rest += now.len();
            samples = later;
            if self.rest == self.packet {
                self.rest = 0;
                self.counters.captured += 1;
                if self.queued() > QUEUE {
                    self.samples.drain(..self.packet);
                    self.counters.dropped += 1;
                }
            }
        }
    }

    /// Moves the oldest packet's worth into `frames`; false when there is none.
    ///
    /// # Panics
    /// When `frames` has not the length of a packet.
    pub fn take(&mut self, frames: &mut [f32]) -> bool {
        assert_eq!(frames.len(), self.packet, "the length of a packet");
        if self.queued() == 0 {
            return false;
        }
        for (frame, sample) in frames.iter_mut().zip(self.samples.drain(..self.packet)) {
            *frame = sample;
        }
        self.counters.taken += 1;
        true
    }

    /// Throws away all that waits, the beginning of a packet too: what was said before a connection is nobody's
    /// business after it.
    pub fn clear(&mut self) {
        self.counters.dropped += self.queued() as u64;
        self.samples.clear();
        self.rest = 0;
    }

    /// Packets' worth that wait.
    pub fn queued(&self) -> usize {
        (self.samples.len() - self.rest) / self.packet
    }

    /// What was counted.
    pub fn counters(&self) -> FramerCounters {
        self.counters
    }
}
