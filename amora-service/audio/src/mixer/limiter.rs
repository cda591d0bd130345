//! The peak limiter that ends the chain.
//!
//! It looks ahead by a few milliseconds, so its gain is down before a peak arrives and no sample ever passes the
//! limit; both channels get the same gain, so the picture does not move. Below the limit samples pass bit for bit.
//!
//! The gain reduction that every frame needs goes through a sliding maximum over the look-ahead, a hold and an
//! exponential release, and two moving averages that together are as long as the look-ahead. Averages of values
//! that are all at least what a frame needs are at least that too: hence no overshoot. Reductions are integers, so
//! the moving sums are exact for ever and come back to exactly zero.

use amora_contract::units::Decibels;
use std::collections::VecDeque;

/// Look-ahead: the latency, and the length of the gain's way down. Shorter bends bass, longer delays speech.
const LOOK_AHEAD_SECONDS: f64 = 0.003;

/// The gain stays down this long after a peak: longer than half a wave at 40 Hz, so a bass tone is held at one
/// gain instead of being bent at every crest.
const HOLD_SECONDS: f64 = 0.015;

/// Time constant of the way back up.
const RELEASE_SECONDS: f64 = 0.12;

/// A reduction of 1 (silence) as an integer. Sums of thousands of them fit in 64 bits.
const ONE: i64 = 1 << 40;

#[derive(Debug)]
pub(crate) struct Limiter {
    limit: f32,
    delay: Box<[[f32; 2]]>,
    position: usize,
    window: VecDeque<(u64, i64)>,
    frame: u64,
    hold: u32,
    hold_length: u32,
    envelope: f64,
    release: f64,
    averages: [MovingAverage; 2],
    /// Whether anything is left in the look-ahead, the envelope or the averages.
    busy: bool,
    /// Frames in the delay line that may be other than zero.
    filled: usize,
}

impl Limiter {
    pub(crate) fn new(limit: Decibels, rate: f64) -> Self {
        let frames = |seconds: f64| (seconds * rate).round().max(2.0) as usize;
        let look_ahead = frames(LOOK_AHEAD_SECONDS);
        let first = look_ahead / 2;
        let mut limiter = Self {
            limit: 1.0,
            delay: vec![[0.0; 2]; look_ahead].into_boxed_slice(),
            position: 0,
            window: VecDeque::with_capacity(look_ahead + 2),
            frame: 0,
            hold: 0,
            hold_length: frames(HOLD_SECONDS) as u32,
            envelope: 0.0,
            release: (-1.0 / (RELEASE_SECONDS * rate)).exp(),
            averages: [
                MovingAverage::new(first + 1),
                MovingAverage::new(look_ahead - first + 1),
            ],
            busy: false,
            filled: 0,
        };
        limiter.set_limit(limit);
        limiter
    }

    pub(crate) fn set_limit(&mut self, limit: Decibels) {
        let limit = if limit.0.is_nan() {
            0.0
        } else {
            limit.0.clamp(-60.0, 0.0)
        };
        self.limit = Decibels(limit).to_linear();
        self.busy = true;
    }

    /// Frames by which the output is late.
    #[cfg(test)]
    pub(crate) fn latency(&self) -> usize {
        self.delay.len()
    }

    /// Whether only zeros are left in the delay line.
    pub(crate) fn is_silent(&self) -> bool {
        self.filled == 0 && !self.busy
    }

    /// Forgets what is in the delay line: for a card that starts anew.
    pub(crate) fn clear(&mut self) {
        self.delay.fill([0.0; 2]);
        self.filled = 0;
    }

    /// Limits interleaved stereo in place, late by [`latency`](Self::latency) frames. Every sample must be finite.
    /// Returns the greatest reduction as a linear gain: 1 where nothing was limited.
    pub(crate) fn process(&mut self, samples: &mut [f32]) -> f32 {
        let peak = samples.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
        self.filled = if peak > 0.0 {
            self.delay.len()
        } else {
            self.filled.saturating_sub(samples.len() / 2)
        };
        if peak <= self.limit && !self.busy {
            for frame in samples.chunks_exact_mut(2) {
                let late = std::mem::replace(&mut self.delay[self.position], [frame[0], frame[1]]);
                frame.copy_from_slice(&late);
                self.position = (self.position + 1) % self.delay.len();
            }
            return 1.0;
        }
        self.busy = true;
        let mut lowest = 1f32;
        for frame in samples.chunks_exact_mut(2) {
            let gain = self.gain(frame[0].abs().max(frame[1].abs()));
            let late = std::mem::replace(&mut self.delay[self.position], [frame[0], frame[1]]);
            // The clamp catches the last bit of rounding and no more.
            frame[0] = (late[0] * gain).clamp(-self.limit, self.limit);
            frame[1] = (late[1] * gain).clamp(-self.limit, self.limit);
            lowest = lowest.min(gain);
            self.position = (self.position + 1) % self.delay.len();
        }
        self.busy =
            !self.window.is_empty() || self.envelope > 0.0 || self.averages.iter().any(|a| a.sum != 0);
        lowest
    }

    /// The gain for the frame that leaves the delay line as one with this peak enters it.
    fn gain(&mut self, peak: f32) -> f32 {
        let needed = if peak > self.limit {
            ((1.0 - f64::from(self.limit) / f64::from(peak)) * ONE as f64).ceil() as i64
        } else {
            0
        };
        self.frame += 1;
        if needed > 0 {
            while self.window.back().is_some_and(|(_, smaller)| *smaller <= needed) {
                self.window.pop_back();
            }
            self.window.push_back((self.frame, needed));
        }
        let oldest = self.frame.saturating_sub(self.delay.len() as u64);
        if self.window.front().is_some_and(|(frame, _)| *frame < oldest) {
            self.window.pop_front();
        }
        let highest = self.window.front().map_or(0, |(_, highest)| *highest) as f64;
        if highest >= self.envelope {
            self.envelope = highest;
            self.hold = self.hold_length;
        } else if self.hold > 0 {
            self.hold -= 1;
        } else {
            self.envelope = highest.max(self.envelope * self.release);
            // A reduction of 0.0001 dB is none.
            if highest == 0.0 && self.envelope < ONE as f64 * 1e-5 {
                self.envelope = 0.0;
            }
        }
        let [first, second] = &mut self.averages;
        let reduction = second.next(first.next(self.envelope.ceil() as i64));
        (1.0 - reduction as f64 / ONE as f64) as f32
    }
}

/// The mean of the last values, rounded up.
#[derive(Debug)]
struct MovingAverage {
    values: Box<[i64]>,
    position: usize,
    sum: i64,
}

impl MovingAverage {
    fn new(length: usize) -> Self {
        Self {
            values: vec![0; length].into_boxed_slice(),
            position: 0,
            sum: 0,
        }
    }

    fn next(&mut self, value: i64) -> i64 {
        self.sum += value - std::mem::replace(&mut self.values[self.position], value);
        self.position = (self.position + 1) % self.values.len();
        (self.sum as u64).div_ceil(self.values.len() as u64) as i64
    }
}
