//! What a microphone sent, on one time line: what is missing is silence.

use crate::RATE;
use std::collections::VecDeque;

/// Samples that are kept: two minutes.
const MEMORY: usize = 120 * RATE as usize;
/// A larger jump of the timestamps is a new start, not a gap.
const LONGEST_GAP: u32 = 10 * RATE;

/// Sound in the order of its timestamps.
#[derive(Default)]
pub(crate) struct Heard {
    samples: VecDeque<i16>,
    total: u64,
    next_timestamp: Option<u32>,
}

impl Heard {
    /// Appends, and gives where in all that was heard it begins; nothing for what comes too late.
    pub(crate) fn put(&mut self, timestamp: u32, samples: &[i16]) -> Option<u64> {
        if let Some(next) = self.next_timestamp {
            let gap = timestamp.wrapping_sub(next);
            if gap.wrapping_neg() < LONGEST_GAP && gap != 0 {
                return None;
            }
            if gap < LONGEST_GAP {
                self.append(std::iter::repeat_n(0, gap as usize));
            }
        }
        let position = self.total;
        self.append(samples.iter().copied());
        self.next_timestamp = Some(timestamp.wrapping_add(samples.len() as u32));
        Some(position)
    }

    fn append(&mut self, samples: impl Iterator<Item = i16>) {
        let before = self.samples.len();
        self.samples.extend(samples);
        self.total += (self.samples.len() - before) as u64;
        let too_many = self.samples.len().saturating_sub(MEMORY);
        self.samples.drain(..too_many);
    }

    /// The newest `seconds` of it.
    pub(crate) fn last(&self, seconds: f64) -> Vec<i16> {
        let wanted = (seconds * f64::from(RATE)) as usize;
        let skipped = self.samples.len().saturating_sub(wanted);
        self.samples.iter().skip(skipped).copied().collect()
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_silence_and_what_is_late_is_left_out() {
        let mut heard = Heard::default();
        assert_eq!(heard.put(u32::MAX - 1, &[1, 1]), Some(0));
        assert_eq!(heard.put(2, &[2, 2]), Some(4));
        assert_eq!(heard.put(0, &[3, 3]), None);
        assert_eq!(heard.put(3, &[3, 3]), None, "it overlaps");
        assert_eq!(heard.put(2_000_000_000, &[4]), Some(6), "a new start");
        assert_eq!(heard.last(1.0), [1, 1, 0, 0, 2, 2, 4]);
        assert_eq!(heard.last(2.0 / f64::from(RATE)), [2, 4]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut heard = Heard::default();
        let second = vec![1; RATE as usize];
        for number in 0..130 {
            heard.put(number * RATE, &second);
        }
        assert_eq!(heard.samples.len(), MEMORY);
        assert_eq!(heard.total(), 130 * u64::from(RATE));
    }
}
