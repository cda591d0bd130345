//! What left the card, folded to mono and kept by its position for as long as its echo may be late.

/// Frames kept: 2.7 s. A reader that was held up for the second that a tap holds still finds half a second of past
/// for the latest echo.
const KEPT: usize = 1 << 17;

#[derive(Debug)]
pub(super) struct Reference {
    ring: Box<[f32]>,
    /// Position of the first frame kept, and of the frame after the last.
    begin: i64,
    end: i64,
    /// The latest frames that were lost on the way; silence stands for them.
    hole: (i64, i64),
}

impl Reference {
    pub(super) fn new() -> Self {
        Self {
            ring: vec![0.0; KEPT].into(),
            begin: 0,
            end: 0,
            hole: (0, 0),
        }
    }

    /// Position of the frame after the last one known.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// Whether a frame of this range was lost on the way.
    pub(super) fn is_torn(&self, from: i64, to: i64) -> bool {
        self.hole.0 < to && from < self.hole.1
    }

    /// Appends a run of interleaved frames and returns how many were lost before it. The loudspeaker that they all go
    /// to plays the mean of the channels.
    pub(super) fn push(&mut self, position: u64, samples: &[f32], channels: usize) -> u64 {
        let position = position as i64;
        let mut lost = 0;
        if self.begin == self.end || position < self.end {
            self.begin = position;
            self.end = position;
        } else if position > self.end {
            lost = (position - self.end) as u64;
            self.hole = (self.end, position);
            for missing in self.end.max(position - KEPT as i64)..position {
                self.put(missing, 0.0);
            }
            self.end = position;
        }
        for frame in samples.chunks_exact(channels) {
            let mean = frame.iter().sum::<f32>() / channels as f32;
            self.put(self.end, if mean.is_finite() { mean } else { 0.0 });
            self.end += 1;
        }
        self.begin = self.begin.max(self.end - KEPT as i64);
        lost
    }

    /// Fills `out` with the frames from position `from` on; silence where nothing is known.
    pub(super) fn read(&self, from: i64, out: &mut [f32]) {
        for (position, sample) in (from..).zip(out) {
            *sample = if (self.begin..self.end).contains(&position) {
                self.ring[position as usize & (KEPT - 1)]
            } else {
                0.0
            };
        }
    }

    fn put(&mut self, position: i64, sample: f32) {
        self.ring[position as usize & (KEPT - 1)] = sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_channels_count_alike_and_positions_are_kept_across_a_loss() {
        let mut reference = Reference::new();
        assert_eq!(reference.push(1000, &[1.0, 0.0, 0.5, 0.5], 2), 0);
        assert_eq!(reference.push(1005, &[-1.0, -0.5], 2), 3);
        let mut read = [9.0; 8];
        reference.read(999, &mut read);
        assert_eq!(read, [0.0, 0.5, 0.5, 0.0, 0.0, 0.0, -0.75, 0.0]);
        assert_eq!(reference.end(), 1006);
        assert!(
            reference.is_torn(1004, 1010) && !reference.is_torn(1005, 1010) && !reference.is_torn(990, 1002)
        );
    }

    #[test]
    fn what_is_too_old_is_silence_not_something_newer() {
        let mut reference = Reference::new();
        let ones = vec![1.0; 2 * KEPT];
        reference.push(0, &ones, 2);
        reference.push(KEPT as u64, &[0.5, 0.5], 2);
        let mut read = [9.0; 2];
        reference.read(0, &mut read);
        assert_eq!(read, [0.0, 1.0]);
        reference.push(10 * KEPT as u64, &[0.25, 0.25], 2);
        reference.read(10 * KEPT as i64 - 1, &mut read);
        assert_eq!(read, [0.0, 0.25]);
    }
}
