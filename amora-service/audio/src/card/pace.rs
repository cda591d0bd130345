//! The clock of a card that is not there: how far it has played, and when it has room again.

use super::CardError;
use crate::clock;
use amora_contract::units::{Frames, Hertz, PartsPerMillion};

/// A buffer that empties at the card's rate, in real time or as fast as it is filled.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// Nanoseconds per frame of the card's own clock.
    frame: f64,
    buffer: u64,
    written: u64,
    /// Frames played when `since` was read.
    base: u64,
    since: u64,
    /// The virtual clock; `None` in real time.
    virtual_now: Option<u64>,
}

/// Where the card stands after a period was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Frames written but not yet played.
    pub(crate) delay: Frames,
    /// When this was read.
    pub(crate) nanoseconds: u64,
    /// Frames ever played.
    pub(crate) played: u64,
}

impl Pacer {
    /// Goes by the computer's clock, `drift` faster.
    pub(crate) fn real_time(rate: Hertz, drift: PartsPerMillion, buffer: Frames) -> Self {
        Self {
            frame: 1e9 / (rate.0 * (1.0 + drift.0 * 1e-6)),
            buffer: buffer.0,
            written: 0,
            base: 0,
            since: 0,
            virtual_now: None,
        }
    }

    /// Goes by a virtual clock that starts at `now` and jumps whenever the buffer is full.
    pub(crate) fn virtual_time(rate: Hertz, drift: PartsPerMillion, buffer: Frames, now: u64) -> Self {
        Self {
            virtual_now: Some(now),
            ..Self::real_time(rate, drift, buffer)
        }
    }

    /// Changes the card's clock from now on.
    pub(crate) fn set_drift(&mut self, rate: Hertz, drift: PartsPerMillion) {
        let now = self.now();
        self.base = self.played(now);
        self.since = now;
        self.frame = 1e9 / (rate.0 * (1.0 + drift.0 * 1e-6));
    }

    pub(crate) fn now(&self) -> u64 {
        self.virtual_now.unwrap_or_else(clock::now)
    }

    fn played(&self, now: u64) -> u64 {
        let elapsed = now.saturating_sub(self.since) as f64;
        // A billionth of a frame forgives the rounding of a deadline to whole nanoseconds.
        (self.base + (elapsed / self.frame + 1e-4) as u64).min(self.written)
    }

    /// Waits until `period` more frames fit, and writes them.
    pub(crate) fn write(&mut self, period: Frames) -> Result<Pace, CardError> {
        let mut now = self.now();
        if self.written == 0 {
            self.since = now;
        }
        let due = self.base + ((now.saturating_sub(self.since)) as f64 / self.frame) as u64;
        if self.written > 0 && due > self.written {
            self.restart();
            return Err(CardError::Xrun);
        }
        let played = self.played(now);
        let excess = (self.written + period.0).saturating_sub(played + self.buffer);
        if excess > 0 {
            let wanted = self.written + period.0 - self.buffer - self.base;
            let deadline = self.since + (wanted as f64 * self.frame).ceil() as u64;
            match &mut self.virtual_now {
                Some(clock) => *clock = (*clock).max(deadline),
                None => clock::sleep_until(deadline),
            }
            now = self.now();
        }
        self.written += period.0;
        let played = self.played(now);
        Ok(Pace {
            delay: Frames(self.written - played),
            nanoseconds: now,
            played,
        })
    }

    /// Begins again with an empty buffer, as after an xrun.
    pub(crate) fn restart(&mut self) {
        self.base = self.written;
        self.since = self.now();
    }

    /// Lets time pass while nothing is written.
    pub(crate) fn stall(&mut self, nanoseconds: u64) {
        match &mut self.virtual_now {
            Some(clock) => *clock += nanoseconds,
            None => clock::sleep_until(clock::now() + nanoseconds),
        }
    }
}
