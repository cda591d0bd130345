//! The path that music takes to the mixer: a ring, and a resampler that makes the writer's clock the card's.
//!
//! The writer (MPD's FIFO output) goes by the computer's clock and in uneven chunks, the card by its own. The
//! player keeps as much waiting as bridges the unevenness and takes it a few parts per million faster or slower.
//! Neither end does I/O: time is given in nanoseconds of the computer's monotonic clock.

mod controller;
pub mod fifo;
mod steps;
#[cfg(test)]
mod tests;

use crate::mixer::{BLOCK, Edges, Rendered, sanitise};
use amora_contract::config::MusicConfig;
use amora_contract::state::MusicState;
use amora_contract::units::{Frames, Hertz, PartsPerMillion};
use controller::Controller;
use rtrb::{Consumer, Producer, RingBuffer};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, Resizable, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Length of the resampler's filter. With the window below: flat to 20 kHz at 48 kHz, images below −120 dB.
const SINC_LENGTH: usize = 128;

/// Filters between two frames. So many that a straight line between two of them is true to −115 dB; as the ratio is
/// all but 1, the same two serve for a long time and stay in the cache.
const OVERSAMPLING: usize = 1024;

/// Most that the resampler's ratio may differ from 1.
const MAX_RATIO: f64 = 1.01;

/// The writer's next chunk is expected within this time; up to there the fill is taken to grow evenly between
/// chunks, so that their size does not show. A writer that is silent for longer has stopped.
const LONGEST_PAUSE: u64 = 150_000_000;

/// Music that comes back this soon after it ran out was late, not stopped.
const LATE: u64 = 500_000_000;

/// Music that arrived this recently flows.
const FLOWING: u64 = 1_000_000_000;

#[derive(Debug, Default)]
struct MusicShared {
    arrived: AtomicU64,
    arrival: AtomicU64,
    backlog: AtomicU64,
    held_up: AtomicBool,
    flowing: AtomicBool,
    fill: AtomicU64,
    target: AtomicU64,
    drift: AtomicU64,
}

/// Reads how music flows.
#[derive(Debug, Clone)]
pub struct MusicGauge(Arc<MusicShared>);

impl MusicGauge {
    /// The section of the state.
    pub fn state(&self) -> MusicState {
        MusicState {
            flowing: self.0.flowing.load(Ordering::Relaxed),
            fill: Frames(self.0.fill.load(Ordering::Relaxed)),
            target: Frames(self.0.target.load(Ordering::Relaxed)),
            drift: PartsPerMillion(f64::from_bits(self.0.drift.load(Ordering::Relaxed))),
        }
    }
}

/// The writing end.
#[derive(Debug)]
pub struct MusicWriter {
    samples: Producer<f32>,
    shared: Arc<MusicShared>,
    arrived: u64,
}

impl MusicWriter {
    /// Writes as many whole frames of interleaved stereo at the engine's rate as there is room for, at time `now`
    /// in nanoseconds, and returns how many.
    pub fn push(&mut self, samples: &[f32], now: u64) -> usize {
        let frames = (samples.len() / 2).min(self.free().0 as usize);
        let pushed = self.samples.push_entire_slice(&samples[..frames * 2]);
        debug_assert!(pushed.is_ok());
        if frames > 0 {
            self.arrived += frames as u64;
            self.shared.arrival.store(now, Ordering::Relaxed);
            self.shared.arrived.store(self.arrived, Ordering::Release);
        }
        frames
    }

    /// Frames that [`push`](Self::push) takes at present.
    pub fn free(&self) -> Frames {
        Frames((self.samples.slots() / 2) as u64)
    }

    /// Tells of frames that wait before this ring, and whether the one who writes them is held up by us: then the
    /// card's clock is the only one.
    pub fn set_backlog(&mut self, backlog: Frames, held_up: bool) {
        self.shared.backlog.store(backlog.0, Ordering::Relaxed);
        self.shared.held_up.store(held_up, Ordering::Relaxed);
    }

    /// Whether the engine has ended.
    pub fn is_ended(&self) -> bool {
        self.samples.is_abandoned()
    }

    /// Reads how music flows.
    pub fn gauge(&self) -> MusicGauge {
        MusicGauge(Arc::clone(&self.shared))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing waits, or not yet enough to start.
    Filling,
    Playing,
}

/// The mixer's end.
pub struct MusicPlayer {
    samples: Consumer<f32>,
    shared: Arc<MusicShared>,
    resampler: Async<f32>,
    input: Box<[f32]>,
    controller: Controller,
    edges: Edges,
    phase: Phase,
    rate: f64,
    target: usize,
    now: u64,
    taken: u64,
    ran_dry: Option<u64>,
    /// The present start came so soon after the last end that the music was late.
    late: bool,
}

impl std::fmt::Debug for MusicPlayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MusicPlayer")
            .field("phase", &self.phase)
            .field("controller", &self.controller)
            .finish_non_exhaustive()
    }
}

/// A music path at `rate` that keeps [`MusicConfig::latency`] waiting.
pub fn channel(config: &MusicConfig, rate: Hertz) -> (MusicWriter, MusicPlayer) {
    let target = (config.latency.frames(rate).0 as usize).clamp(2 * BLOCK, 10 * rate.0 as usize);
    // Twice the target and 200 ms more: a writer that catches up after a pause is not held up.
    let capacity = 2 * target + rate.0 as usize / 5;
    let (producer, consumer) = RingBuffer::new(capacity * 2);
    let shared = Arc::new(MusicShared::default());
    shared.target.store(target as u64, Ordering::Relaxed);
    let parameters = SincInterpolationParameters::new(SINC_LENGTH, WindowFunction::Blackman2)
        .oversampling_factor(OVERSAMPLING)
        .interpolation(SincInterpolationType::Linear);
    let resampler = Async::new_sinc(1.0, MAX_RATIO, &parameters, BLOCK, 2, FixedAsync::Output)
        .expect("the parameters are constants within the resampler's bounds");
    let writer = MusicWriter {
        samples: producer,
        shared: Arc::clone(&shared),
        arrived: 0,
    };
    let player = MusicPlayer {
        samples: consumer,
        shared,
        input: vec![0.0; resampler.input_frames_max() * 2].into_boxed_slice(),
        resampler,
        controller: Controller::new(rate.0, target),
        edges: Edges::new(rate.0),
        phase: Phase::Filling,
        rate: rate.0,
        target,
        now: 0,
        taken: 0,
        ran_dry: None,
        late: false,
    };
    (writer, player)
}

impl MusicPlayer {
    /// Takes note of the time and of what waits, as `frames` more are about to be played.
    pub(crate) fn observe(&mut self, now: u64, frames: usize) {
        self.now = now;
        let arrived = self.shared.arrived.load(Ordering::Acquire);
        let silence = now.saturating_sub(self.shared.arrival.load(Ordering::Relaxed));
        let waiting = arrived.saturating_sub(self.taken);
        if self.phase == Phase::Playing {
            if self.shared.held_up.load(Ordering::Relaxed) {
                self.controller.follow_card(frames);
            } else if silence < LONGEST_PAUSE {
                let backlog = self.shared.backlog.load(Ordering::Relaxed);
                let fill = (waiting + backlog) as f64 + silence as f64 * 1e-9 * self.rate;
                self.controller.observe(fill, frames);
            }
        }
        let flowing = arrived > 0 && (self.phase == Phase::Playing || silence < FLOWING);
        self.shared.flowing.store(flowing, Ordering::Relaxed);
        self.shared.fill.store(waiting, Ordering::Relaxed);
        let drift = self.controller.drift() * 1e6;
        self.shared.drift.store(drift.to_bits(), Ordering::Relaxed);
    }

    fn waiting(&self) -> usize {
        self.samples.slots() / 2
    }

    /// Enough waits, or what waits is all there is.
    fn can_start(&self) -> bool {
        let waiting = self.waiting();
        let silence = self
            .now
            .saturating_sub(self.shared.arrival.load(Ordering::Relaxed));
        waiting >= self.target || (waiting > 0 && silence >= LONGEST_PAUSE)
    }

    pub(crate) fn will_sound(&self) -> bool {
        match self.phase {
            Phase::Filling => self.can_start(),
            Phase::Playing => self.waiting() > 0,
        }
    }

    /// How the music's clock is followed at present: by which fraction it is taken faster than the card plays.
    #[cfg(test)]
    fn correction(&self) -> f64 {
        self.controller.correction()
    }

    /// Fills `block` with the next frames of music.
    pub(crate) fn render(&mut self, block: &mut [f32]) -> Rendered {
        let mut rendered = Rendered::default();
        if self.phase == Phase::Filling && self.can_start() {
            self.start();
        }
        if self.phase == Phase::Playing {
            rendered.sounding = self.resample(block);
            rendered.underrun = std::mem::take(&mut self.late);
        }
        if !rendered.sounding {
            block.fill(0.0);
        }
        rendered.audible = rendered.sounding;
        if self.edges.is_falling() {
            self.edges.add_tail(block);
            rendered.audible = true;
        }
        rendered
    }

    fn start(&mut self) {
        self.phase = Phase::Playing;
        self.late = self
            .ran_dry
            .is_some_and(|then| self.now.saturating_sub(then) < LATE);
        self.resampler.reset();
        self.controller.restart();
        self.edges.start();
    }

    /// Fills `block`, or stops and returns false when too little waits.
    fn resample(&mut self, block: &mut [f32]) -> bool {
        let frames = block.len() / 2;
        let ratio = 1.0 / (1.0 + self.controller.correction());
        let ready = self.resampler.set_chunk_size(frames).is_ok()
            && self.resampler.set_resample_ratio_relative(ratio, true).is_ok();
        let needed = self.resampler.input_frames_next();
        if !ready || self.waiting() < needed {
            self.stop();
            return false;
        }
        let input = &mut self.input[..needed * 2];
        let _ = self.samples.pop_entire_slice(input);
        self.taken += needed as u64;
        sanitise(input);
        let done = match (
            InterleavedSlice::new(&*input, 2, needed),
            InterleavedSlice::new_mut(block, 2, frames),
        ) {
            (Ok(from), Ok(mut to)) => self.resampler.process_into_buffer(&from, &mut to, None).is_ok(),
            _ => false,
        };
        if done {
            self.edges.pass(block);
        } else {
            self.stop();
        }
        done
    }

    /// The music has run out: what is left is shorter than a block and too short to start again.
    fn stop(&mut self) {
        self.phase = Phase::Filling;
        self.ran_dry = Some(self.now);
        self.edges.stop();
        let left = self.samples.slots();
        if let Ok(chunk) = self.samples.read_chunk(left) {
            chunk.commit_all();
        }
        self.taken += (left / 2) as u64;
    }
}
