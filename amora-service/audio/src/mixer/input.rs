//! One source inside the mixer: starts softly, ends softly, whatever its writer does.

use super::smoother::Smoother;
use crate::engine::SourceKind;
use crate::engine::source::SourceEnd;

/// Length of the fade at every start and end. 5 ms of a raised cosine keep the click of a tone cut anywhere 60 dB
/// below it and are too short to be heard as a fade.
const FADE_SECONDS: f64 = 0.005;

/// Highest sample taken from a source, 24 dB above full scale: sums of sources stay finite.
const HIGHEST_SAMPLE: f32 = 16.0;

/// Replaces what is no number by silence and clips what is absurd; everything sensible keeps every bit.
pub(crate) fn sanitise(samples: &mut [f32]) {
    for sample in samples {
        *sample = if sample.is_nan() {
            0.0
        } else {
            sample.clamp(-HIGHEST_SAMPLE, HIGHEST_SAMPLE)
        };
    }
}

/// What an input did in one block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// It delivered frames.
    pub(crate) sounding: bool,
    /// The block holds something to add.
    pub(crate) audible: bool,
    /// It ran dry in the middle of what it had to say.
    pub(crate) underrun: bool,
}

/// Fades the beginnings and ends of a stream of frames.
///
/// A stream that ends without warning leaves its last milliseconds played backwards under a fading gain: value
/// and loudness go on from the last sample, and no step is larger than the programme's own.
#[derive(Debug)]
pub(crate) struct Edges {
    fade: Box<[f32]>,
    /// The latest frames, a ring.
    history: Box<[[f32; 2]]>,
    newest: usize,
    /// Frames into the fade-in; its length when done.
    risen: usize,
    /// Frames into the fade-out; its length when done.
    fallen: usize,
    tail: Box<[[f32; 2]]>,
}

impl Edges {
    pub(crate) fn new(rate: f64) -> Self {
        let length = (FADE_SECONDS * rate).round().max(2.0) as usize;
        let shape = |n| 0.5 - 0.5 * (std::f64::consts::PI * (n as f64 + 0.5) / length as f64).cos();
        Self {
            fade: (0..length).map(|n| shape(n) as f32).collect(),
            history: vec![[0.0; 2]; length].into_boxed_slice(),
            newest: 0,
            risen: 0,
            fallen: length,
            tail: vec![[0.0; 2]; length].into_boxed_slice(),
        }
    }

    /// Begins a fade-in.
    pub(crate) fn start(&mut self) {
        self.risen = 0;
        self.history.fill([0.0; 2]);
    }

    /// Whether a fade-out is under way.
    pub(crate) fn is_falling(&self) -> bool {
        self.fallen < self.fade.len()
    }

    /// Frames of the stream, in place.
    pub(crate) fn pass(&mut self, samples: &mut [f32]) {
        let length = self.fade.len();
        for frame in samples.chunks_exact_mut(2) {
            if self.risen < length {
                frame[0] *= self.fade[self.risen];
                frame[1] *= self.fade[self.risen];
                self.risen += 1;
            }
            self.newest = if self.newest + 1 == length {
                0
            } else {
                self.newest + 1
            };
            self.history[self.newest] = [frame[0], frame[1]];
        }
    }

    /// Begins a fade-out. What is left of an earlier one is added to it.
    pub(crate) fn stop(&mut self) {
        let length = self.fade.len();
        let left = length - self.fallen;
        self.tail.copy_within(self.fallen.., 0);
        self.tail[left..].fill([0.0; 2]);
        for (n, frame) in self.tail.iter_mut().enumerate() {
            let back = self.history[(self.newest + length - n) % length];
            let gain = self.fade[length - 1 - n];
            frame[0] += back[0] * gain;
            frame[1] += back[1] * gain;
        }
        self.fallen = 0;
    }

    /// Adds the fade-out under way.
    pub(crate) fn add_tail(&mut self, samples: &mut [f32]) {
        for (frame, tail) in samples.chunks_exact_mut(2).zip(&self.tail[self.fallen..]) {
            frame[0] += tail[0];
            frame[1] += tail[1];
        }
        self.fallen = (self.fallen + samples.len() / 2).min(self.fade.len());
    }
}

/// A source that is written through a ring.
#[derive(Debug)]
pub(crate) struct Input {
    end: SourceEnd,
    edges: Edges,
    pub(crate) gain: Smoother,
    taken: u64,
    flushed: u64,
    playing: bool,
}

impl Input {
    pub(crate) fn new(end: SourceEnd, rate: f64) -> Self {
        Self {
            gain: Smoother::new(end.shared.gain(), rate),
            end,
            edges: Edges::new(rate),
            taken: 0,
            flushed: 0,
            playing: false,
        }
    }

    pub(crate) fn kind(&self) -> SourceKind {
        self.end.kind
    }

    /// Whether the writer is gone and nothing is left to hear.
    pub(crate) fn is_finished(&self) -> bool {
        self.end.samples.is_abandoned()
            && !self.playing
            && !self.edges.is_falling()
            && self.end.samples.slots() < 2
    }

    /// Whether the next block will have frames of this source.
    pub(crate) fn will_sound(&self) -> bool {
        let waiting = self.end.samples.slots() / 2;
        waiting > 0 && (self.playing || self.may_begin(waiting))
    }

    /// Enough waits, or what waits is all there is.
    fn may_begin(&self, waiting: usize) -> bool {
        let ended = self.end.shared.ended();
        let ends_here = ended > self.taken && ended <= self.taken + waiting as u64;
        waiting > 0 && (waiting >= self.end.prefill || ends_here)
    }

    /// Fills `block` with the source's next frames where there are any.
    pub(crate) fn render(&mut self, block: &mut [f32]) -> Rendered {
        self.gain.set_target(self.end.shared.gain());
        let mut rendered = Rendered::default();
        let flushed = self.end.shared.flushed();
        if flushed > self.taken.max(self.flushed) {
            self.flush((flushed - self.taken) as usize);
        }
        self.flushed = flushed;

        let waiting = self.end.samples.slots() / 2;
        if !self.playing && self.may_begin(waiting) {
            self.playing = true;
            self.edges.start();
            if self.edges.is_falling() {
                rendered.audible = true;
            } else {
                self.gain.jump(self.end.shared.gain());
            }
        }
        let frames = if self.playing {
            waiting.min(block.len() / 2)
        } else {
            0
        };
        let (fresh, rest) = block.split_at_mut(frames * 2);
        if frames > 0 {
            let _ = self.end.samples.pop_entire_slice(fresh);
            self.taken += frames as u64;
            sanitise(fresh);
            let falling = self.edges.is_falling();
            self.edges.pass(fresh);
            if falling {
                self.edges.add_tail(fresh);
            }
            rendered.sounding = true;
            rendered.audible = true;
        }
        rest.fill(0.0);
        if !rest.is_empty() {
            if self.playing {
                self.playing = false;
                rendered.underrun = self.end.shared.ended() != self.taken;
                self.edges.stop();
            }
            if self.edges.is_falling() {
                self.edges.add_tail(rest);
                rendered.audible = true;
            }
        }
        let heard = self.playing || self.edges.is_falling();
        self.end.shared.report(self.taken, heard);
        rendered
    }

    fn flush(&mut self, frames: usize) {
        let samples = (frames * 2).min(self.end.samples.slots());
        if let Ok(chunk) = self.end.samples.read_chunk(samples) {
            chunk.commit_all();
        }
        self.taken += (samples / 2) as u64;
        if self.playing {
            self.playing = false;
            self.edges.stop();
        }
    }
}
