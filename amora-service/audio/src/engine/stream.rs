//! Streams that leave the real-time thread: what the card played, what it captured.

use crate::card::Turn;
use amora_contract::units::Frames;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Where a run of frames stands on the engine's time lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// Index of the run's first frame: of all frames ever played (a tap) or captured (a microphone).
    pub position: u64,
    /// Frames in the run.
    pub frames: usize,
    /// Frames ever handed to the card when `turn` was read, its own period included.
    pub written: u64,
    /// The card's delays at the end of the turn.
    pub turn: Turn,
}

impl Mark {
    /// The tap position that was leaving the card while the first frame of this run was captured: what an echo
    /// canceller aligns its reference by. Negative while nothing had left the card yet.
    pub fn reference(&self) -> i64 {
        self.written as i64
            - self.turn.playback_delay.0 as i64
            - self.turn.capture_delay.0 as i64
            - self.turn.captured.0 as i64
    }
}

/// The reading end of a stream. Reading never waits; a reader that is too slow loses whole turns, which are counted.
#[derive(Debug)]
pub struct Tap {
    channels: usize,
    samples: Consumer<f32>,
    marks: Consumer<Mark>,
    current: Option<(Mark, usize)>,
    dropped: Arc<AtomicU64>,
}

/// The writing end, in the real-time thread.
#[derive(Debug)]
pub(crate) struct TapSender {
    channels: usize,
    samples: Producer<f32>,
    marks: Producer<Mark>,
    dropped: Arc<AtomicU64>,
}

/// Turns that a stream can hold at most; short of a 1 ms period the samples' ring is full first.
const MARKS: usize = 1024;

pub(crate) fn stream(channels: usize, capacity: Frames) -> (TapSender, Tap) {
    let (samples_in, samples_out) = RingBuffer::new(capacity.0 as usize * channels);
    let (marks_in, marks_out) = RingBuffer::new(MARKS);
    let dropped = Arc::new(AtomicU64::new(0));
    let sender = TapSender {
        channels,
        samples: samples_in,
        marks: marks_in,
        dropped: Arc::clone(&dropped),
    };
    let tap = Tap {
        channels,
        samples: samples_out,
        marks: marks_out,
        current: None,
        dropped,
    };
    (sender, tap)
}

impl TapSender {
    /// Sends one turn, whole or not at all. Returns the frames that were dropped.
    pub(crate) fn send(&mut self, samples: &[f32], mark: Mark) -> usize {
        if mark.frames == 0 {
            return 0;
        }
        let fits = self.samples.slots() >= samples.len() && self.marks.slots() > 0;
        if !fits {
            self.dropped.fetch_add(mark.frames as u64, Relaxed);
            return mark.frames;
        }
        debug_assert_eq!(samples.len(), mark.frames * self.channels);
        let _ = self.samples.push_entire_slice(samples);
        let _ = self.marks.push(mark);
        0
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.samples.is_abandoned()
    }
}

impl Tap {
    /// Samples per frame: 2 for what the card played, 1 for what it captured.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Frames waiting to be read.
    pub fn available(&self) -> Frames {
        Frames((self.samples.slots() / self.channels) as u64)
    }

    /// Frames lost so far because this reader was too slow.
    pub fn dropped(&self) -> Frames {
        Frames(self.dropped.load(Relaxed))
    }

    /// Whether the engine has ended; what is left can still be read.
    pub fn is_ended(&self) -> bool {
        self.samples.is_abandoned()
    }

    /// Fills the front of `buffer` with whole frames of one turn and says where they stand; `None` when nothing
    /// waits or `buffer` has no room for a frame. A jump of [`Mark::position`] tells what was lost in between.
    pub fn read(&mut self, buffer: &mut [f32]) -> Option<Mark> {
        let room = buffer.len() / self.channels;
        if room == 0 {
            return None;
        }
        let (mark, done) = match self.current.take() {
            Some(current) => current,
            None => (self.marks.pop().ok()?, 0),
        };
        let frames = room.min(mark.frames - done);
        self.samples
            .pop_entire_slice(&mut buffer[..frames * self.channels])
            .ok()?;
        if done + frames < mark.frames {
            self.current = Some((mark, done + frames));
        }
        Some(Mark {
            position: mark.position + done as u64,
            frames,
            turn: Turn {
                captured: Frames(mark.turn.captured.0.saturating_sub(done as u64)),
                ..mark.turn
            },
            ..mark
        })
    }

    /// Reads everything that waits into `samples`, appending, whatever was lost in between.
    pub fn read_all(&mut self, samples: &mut Vec<f32>) {
        loop {
            let start = samples.len();
            samples.resize(start + 4096, 0.0);
            let read = self
                .read(&mut samples[start..])
                .map_or(0, |mark| mark.frames * self.channels);
            samples.truncate(start + read);
            if read == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(position: u64, frames: usize) -> Mark {
        Mark {
            position,
            frames,
            ..Mark::default()
        }
    }

    #[test]
    fn a_slow_reader_loses_whole_turns_and_sees_the_jump() {
        let (mut sender, mut tap) = stream(2, Frames(10));
        assert_eq!(sender.send(&[1.0; 8], mark(0, 4)), 0);
        assert_eq!(sender.send(&[2.0; 8], mark(4, 4)), 0);
        assert_eq!(sender.send(&[3.0; 8], mark(8, 4)), 4);
        let mut buffer = [0.0; 6];
        assert_eq!(tap.read(&mut buffer), Some(mark(0, 3)));
        assert_eq!(tap.read(&mut buffer), Some(mark(3, 1)));
        assert_eq!(tap.read(&mut buffer), Some(mark(4, 3)));
        assert_eq!(sender.send(&[4.0; 8], mark(12, 4)), 0);
        assert_eq!(tap.read(&mut buffer), Some(mark(7, 1)));
        assert_eq!(tap.read(&mut buffer), Some(mark(12, 3)));
        assert_eq!(buffer, [4.0; 6]);
        assert_eq!(tap.dropped(), Frames(4));
    }

    #[test]
    fn the_reference_is_what_left_the_card_when_the_frame_was_captured() {
        let mark = Mark {
            position: 0,
            frames: 240,
            written: 1440,
            turn: Turn {
                captured: Frames(240),
                playback_delay: Frames(720),
                capture_delay: Frames(10),
                nanoseconds: 0,
            },
        };
        assert_eq!(mark.reference(), 1440 - 720 - 10 - 240);
    }
}
