//! How long to wait before MPD is tried again.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Delays that double from 1 s to 30 s, each shortened at random by up to half so that boxes spread out.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next delay; `random` is in 0..1.
    pub(crate) fn next(&mut self, random: f64) -> Duration {
        let full = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        full.mul_f64(1.0 - random.clamp(0.0, 1.0) / 2.0)
    }

    /// It worked: the next delay is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A number in 0..1 that differs between boxes and calls: the standard library's seed for hash tables.
pub(crate) fn random() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let bits = std::hash::RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_half_a_minute_and_start_over_after_success() {
        let mut backoff = Backoff::default();
        let delays: Vec<_> = (0..8).map(|_| backoff.next(0.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(backoff.next(1.0), Duration::from_secs(15));
        backoff.reset();
        assert_eq!(backoff.next(0.5), Duration::from_millis(750));
        assert!(
            (0..100)
                .map(|_| random())
                .all(|number| (0.0..1.0).contains(&number))
        );
    }
}
