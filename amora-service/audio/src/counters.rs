//! What is counted since the engine started. Written by the real-time thread, read by anybody, without a lock.

use amora_contract::state::AudioCounters;
use amora_contract::units::Frames;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the callback-time histogram in microseconds; the last bucket is everything above.
pub const CALLBACK_BOUNDS: [u64; 9] = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/// The engine's counters.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) periods: AtomicU64,
    pub(crate) xruns: AtomicU64,
    pub(crate) reopens: AtomicU64,
    pub(crate) underruns: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) limited: AtomicU64,
    pub(crate) ducked: AtomicU64,
    callback: [AtomicU64; 10],
    /// Nanoseconds that the last period took.
    last_callback: AtomicU64,
}

impl Counters {
    /// Adds one period whose work took `elapsed`, the wait for the card left out.
    pub fn callback(&self, elapsed: Duration) {
        self.last_callback.store(elapsed.as_nanos() as u64, Relaxed);
        let microseconds = elapsed.as_nanos().div_ceil(1000) as u64;
        let bucket = CALLBACK_BOUNDS.partition_point(|bound| *bound < microseconds);
        self.callback[bucket].fetch_add(1, Relaxed);
    }

    /// How long the last period took.
    pub fn last_callback(&self) -> Duration {
        Duration::from_nanos(self.last_callback.load(Relaxed))
    }

    /// The counts as the state shows them.
    pub fn snapshot(&self) -> AudioCounters {
        AudioCounters {
            periods: self.periods.load(Relaxed),
            xruns: self.xruns.load(Relaxed),
            reopens: self.reopens.load(Relaxed),
            underruns: self.underruns.load(Relaxed),
            dropped: Frames(self.dropped.load(Relaxed)),
            limited: self.limited.load(Relaxed),
            ducked: self.ducked.load(Relaxed),
            callback_microseconds: std::array::from_fn(|bucket| self.callback[bucket].load(Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callback_times_fall_into_the_bucket_that_bounds_them() {
        let counters = Counters::default();
        for nanoseconds in [0, 10_000, 10_001, 20_000, 5_000_000, 5_000_001, 60_000_000_000] {
            counters.callback(Duration::from_nanos(nanoseconds));
        }
        let counts = counters.snapshot().callback_microseconds;
        assert_eq!(counters.last_callback(), Duration::from_secs(60));
        assert_eq!(counts, [2, 2, 0, 0, 0, 0, 0, 0, 1, 2]);
    }
}
