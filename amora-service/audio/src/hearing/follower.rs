//! Reads the reference at a moving place: bit for bit where both clocks are one, resampled where they are not.

use super::reference::Reference;
use crate::echo::BLOCK;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

/// Length of the resampler's filter. With the window below it is flat to 20 kHz.
const SINC_LENGTH: usize = 128;

/// Filters between two frames: a straight line between two of them is true to −90 dB, below what any canceller leaves.
const OVERSAMPLING: usize = 256;

/// Most that the resampler's ratio may differ from 1.
const MAX_RATIO: f64 = 1.01;

/// The part of the way to the wanted place that is made up for in a block: a time constant of 0.2 s.
const EAGERNESS: f64 = 0.05;

/// Fastest that a wrong place is made up for: 0.05 frames in a block, which a canceller takes for a still room.
const FASTEST: f64 = 1e-4;

/// How far the place may be from where it is wanted before it is left by resampling: a canceller finds an echo that is
/// a quarter of a millisecond off as well.
const TOLERANCE: f64 = 12.0;

/// Frames that the filter reads beyond a block's last.
const AHEAD: i64 = SINC_LENGTH as i64 / 2 + 2;

pub(super) struct Follower {
    resampler: Async<f32>,
    input: Vec<f32>,
    /// Position of the frame before the next block's first.
    last: f64,
    moving: Option<Moving>,
}

/// The resampler at work.
#[derive(Debug, Clone, Copy)]
struct Moving {
    /// Next position to hand to the resampler.
    read: i64,
    /// Frames of the reference per frame of the microphone at the end of the last block.
    step: f64,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("last", &self.last)
            .field("moving", &self.moving)
            .finish_non_exhaustive()
    }
}

impl Follower {
    pub(super) fn new() -> Self {
        let parameters = SincInterpolationParameters::new(SINC_LENGTH, WindowFunction::Blackman2)
            .oversampling_factor(OVERSAMPLING)
            .interpolation(SincInterpolationType::Linear);
        let resampler = Async::new_sinc(1.0, MAX_RATIO, &parameters, BLOCK, 1, FixedAsync::Output)
            .expect("the parameters are constants within the resampler's bounds");
        Self {
            input: vec![0.0; resampler.input_frames_max()],
            resampler,
            last: 0.0,
            moving: None,
        }
    }

    /// Goes to the whole position next to `place`, without resampling.
    pub(super) fn jump(&mut self, place: f64) {
        self.last = place.round() - 1.0;
        self.moving = None;
    }

    /// Whether the reference is being resampled.
    pub(super) fn is_moving(&self) -> bool {
        self.moving.is_some()
    }

    /// Position of the next block's first frame.
    pub(super) fn place(&self) -> f64 {
        self.last + 1.0
    }

    /// The positions that the next block is read from.
    pub(super) fn reach(&self) -> (i64, i64) {
        let from = self.place().floor() as i64;
        let ahead = if self.is_moving() { AHEAD } else { 0 };
        (from, from + BLOCK as i64 + ahead)
    }

    /// The next block, where `wanted` is the position that its first frame should have and `drift` how much more than
    /// one frame of the reference goes by in a frame of the microphone. Resampling begins with the first drift, or
    /// when the place is wrong.
    pub(super) fn follow(&mut self, reference: &Reference, wanted: f64, drift: f64, out: &mut [f32; BLOCK]) {
        if self.moving.is_none() {
            let off = (wanted - self.place()).abs();
            if drift == 0.0 && off <= TOLERANCE {
                reference.read(self.place() as i64, out);
                self.last += BLOCK as f64;
                return;
            }
            self.start(reference, 1.0 + drift);
        }
        let Some(moving) = self.moving else { return };
        let error = wanted - (self.last + moving.step);
        let correction = (error * EAGERNESS / BLOCK as f64).clamp(-FASTEST, FASTEST);
        self.resample(reference, 1.0 + drift + correction, out);
    }

    /// Fills the resampler's filter with what went before.
    fn start(&mut self, reference: &Reference, step: f64) {
        self.resampler.reset();
        let set = self.resampler.set_resample_ratio_relative(1.0 / step, false);
        debug_assert!(set.is_ok());
        // Before its first frame the resampler stands this far before what it is handed.
        let before = SINC_LENGTH as i64 / 2;
        let read = self.last as i64 - BLOCK as i64 + before;
        self.last = (read - before) as f64;
        self.moving = Some(Moving { read, step });
        self.resample(reference, step, &mut [0.0; BLOCK]);
    }

    fn resample(&mut self, reference: &Reference, step: f64, out: &mut [f32; BLOCK]) {
        let Some(moving) = &mut self.moving else { return };
        let set = self.resampler.set_resample_ratio_relative(1.0 / step, true);
        debug_assert!(set.is_ok());
        let needed = self.resampler.input_frames_next();
        let input = &mut self.input[..needed];
        reference.read(moving.read, input);
        if let (Ok(from), Ok(mut to)) = (
            InterleavedSlice::new(&*input, 1, needed),
            InterleavedSlice::new_mut(out.as_mut_slice(), 1, BLOCK),
        ) {
            let _ = self.resampler.process_into_buffer(&from, &mut to, None);
        }
        moving.read += needed as i64;
        // The step grows evenly from frame to frame, before each frame.
        self.last += BLOCK as f64 * (moving.step + step) / 2.0 + (step - moving.step) / 2.0;
        moving.step = step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn tone(position: f64) -> f64 {
        0.5 * (TAU * 1000.0 / 48_000.0 * position).sin()
    }

    fn reference() -> Reference {
        let mut reference = Reference::new();
        let samples: Vec<f32> = (0..120_000).map(|n| tone(f64::from(n)) as f32).collect();
        reference.push(0, &samples, 1);
        reference
    }

    #[test]
    fn one_clock_is_read_bit_for_bit() {
        let reference = reference();
        let mut follower = Follower::new();
        follower.jump(1000.4);
        let mut block = [0.0; BLOCK];
        for n in 0..100 {
            let wanted = 1000.4 + 480.0 * f64::from(n);
            follower.follow(&reference, wanted, 0.0, &mut block);
            assert!((0..BLOCK).all(|k| block[k] == tone((1000 + 480 * n as usize + k) as f64) as f32));
        }
        assert!(!follower.is_moving());
    }

    #[test]
    fn two_clocks_are_followed_to_a_hundredth_of_a_frame() {
        for drift in [-200e-6, -3e-6, 100e-6, 1000e-6] {
            let reference = reference();
            let mut follower = Follower::new();
            follower.jump(2000.0);
            let mut block = [0.0; BLOCK];
            for n in 0..200 {
                let wanted = 2000.0 + 480.0 * f64::from(n) * (1.0 + drift);
                let first = follower.place();
                follower.follow(&reference, wanted, drift, &mut block);
                // It begins at a whole position of a block before.
                let allowed = if n < 100 { 0.5 } else { 0.01 };
                assert!((first - wanted).abs() < allowed, "{first} instead of {wanted}");
                let off = (0..BLOCK)
                    .map(|k| (f64::from(block[k]) - tone(wanted + k as f64 * (1.0 + drift))).abs())
                    .fold(0.0, f64::max);
                let allowed = 0.5 * TAU * 1000.0 / 48_000.0 * (allowed + 0.005);
                assert!(off < allowed, "{drift}: block {n} is {off} off");
            }
        }
    }

    #[test]
    fn a_wrong_place_is_made_up_for_slowly() {
        let reference = reference();
        let mut follower = Follower::new();
        follower.jump(2000.0);
        let mut block = [0.0; BLOCK];
        let mut before = follower.place();
        for n in 0..230 {
            follower.follow(&reference, 2020.0 + 480.0 * f64::from(n), 1e-12, &mut block);
            let step = (follower.place() - before) / 480.0 - 1.0;
            assert!(step.abs() < 1.1e-4, "{step}");
            before = follower.place();
        }
        let gone = follower.place() - 2000.0 - 230.0 * 480.0;
        assert!((10.0..12.0).contains(&gone), "{gone} frames");
    }
}
