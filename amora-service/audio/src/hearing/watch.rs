//! Tells a jump of a time line from its jitter.

use std::collections::VecDeque;

/// Values that say where the line stands: a third of a second of 5 ms turns.
const KEPT: usize = 64;

/// Smallest jump: 2 ms at 48 kHz. USB cards tell their delay to the millisecond.
const SMALLEST: f64 = 96.0;

/// A jump is this many times further than the line usually strays.
const FACTOR: f64 = 8.0;

/// Values in a row that must agree on the new place.
const AGREEING: usize = 3;

/// Values in a row out of place, whether they agree or not, after which there is no line to speak of.
const HOPELESS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The line goes on.
    Fine,
    /// This value is out of place; the next ones will tell.
    Doubt,
    /// The line broke with the first value in doubt.
    Broken,
}

/// Watches values that should stay where they are, in frames; a slow slope is no jump.
#[derive(Debug, Default)]
pub(super) struct Watch {
    values: VecDeque<f64>,
    doubts: Vec<f64>,
}

impl Watch {
    pub(super) fn observe(&mut self, value: f64) -> Verdict {
        if self.values.is_empty() || self.is_near(value) {
            self.doubts.clear();
            if self.values.len() == KEPT {
                self.values.pop_front();
            }
            self.values.push_back(value);
            return Verdict::Fine;
        }
        self.doubts.push(value);
        let latest = &self.doubts[self.doubts.len().saturating_sub(AGREEING)..];
        let agree = latest.len() == AGREEING && latest.iter().all(|other| (other - value).abs() < SMALLEST);
        if agree || self.doubts.len() >= HOPELESS {
            self.values.clear();
            self.values.extend(self.doubts.drain(..));
            return Verdict::Broken;
        }
        Verdict::Doubt
    }

    /// Forgets the line.
    pub(super) fn restart(&mut self) {
        self.values.clear();
        self.doubts.clear();
    }

    fn is_near(&self, value: f64) -> bool {
        // What is near all of them is near the one in the middle.
        if self.values.iter().all(|other| (value - other).abs() <= SMALLEST) {
            return true;
        }
        let mut sorted: Vec<f64> = self.values.iter().copied().collect();
        let centre = median(&mut sorted);
        let mut distances: Vec<f64> = self.values.iter().map(|other| (other - centre).abs()).collect();
        let usual = median(&mut distances);
        (value - centre).abs() <= SMALLEST.max(FACTOR * usual)
    }
}

/// The middle value; of none it is 0.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_and_single_outliers_are_no_jump() {
        let mut watch = Watch::default();
        for n in 0..10_000u64 {
            // ±1 ms, 0.2 frames a turn of slope, and a value from nowhere now and then.
            let jitter = (n * 7919 % 97) as f64 - 48.0;
            let value = 0.2 * n as f64 + jitter;
            let verdict = watch.observe(if n % 50 == 20 { value + 4800.0 } else { value });
            let expected = if n % 50 == 20 {
                Verdict::Doubt
            } else {
                Verdict::Fine
            };
            assert_eq!(verdict, expected, "value {n}");
        }
    }

    #[test]
    fn a_jump_is_told_with_the_third_value() {
        let mut watch = Watch::default();
        for n in 0..100 {
            assert_eq!(watch.observe(f64::from(n % 3)), Verdict::Fine);
        }
        assert_eq!(watch.observe(480.0), Verdict::Doubt);
        assert_eq!(watch.observe(481.0), Verdict::Doubt);
        assert_eq!(watch.observe(479.0), Verdict::Broken);
        assert_eq!(watch.observe(480.0), Verdict::Fine);
    }

    #[test]
    fn chaos_is_a_break_too() {
        let mut watch = Watch::default();
        for _ in 0..100 {
            watch.observe(0.0);
        }
        let verdicts: Vec<_> = (1..=8).map(|n| watch.observe(1000.0 * f64::from(n))).collect();
        assert_eq!(verdicts[6], Verdict::Doubt);
        assert_eq!(verdicts[7], Verdict::Broken);
    }
}
