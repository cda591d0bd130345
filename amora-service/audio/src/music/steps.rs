//! Finds steps in the fill: a player's clock that begins anew with a song jumps by some milliseconds within an
//! instant. No crystal does that: a step says nothing about drift.

/// The fill is averaged over this long at a time.
const SPAN_SECONDS: f64 = 0.25;

/// Spans that are compared: two before, one in which the step may lie, two after.
const SPANS: usize = 5;

/// Least that counts as a step, in seconds. The furthest drift moves the fill by a third of this meanwhile.
const SMALLEST_SECONDS: f64 = 0.004;

/// A step must stand out this many times from what one span differs from the next by chance.
const PROMINENCE: f64 = 4.0;

/// The step is over once spans differ by no more than this part of it.
const UNSETTLED: f64 = 0.125;

/// What spans are taken to differ by before any were seen, in seconds.
const EXPECTED_NOISE_SECONDS: f64 = 0.0005;

/// By how much one more difference between spans moves what is known of the usual one.
const NOISE_WEIGHT: f64 = 0.1;

/// A span's average, and what its observer knew as it began.
#[derive(Debug, Clone, Copy)]
struct Span<T> {
    average: f64,
    before: T,
}

/// Watches a fill, in frames, for steps; remembers values of `T` from before them.
#[derive(Debug, Clone)]
pub(super) struct StepFinder<T> {
    rate: f64,
    spans: [Option<Span<T>>; SPANS],
    present: Option<T>,
    sum: f64,
    elapsed: f64,
    noise: f64,
}

/// A step that has happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step<T> {
    /// Frames by which the fill has changed.
    pub(super) size: f64,
    /// What was given as known before it.
    pub(super) before: T,
}

impl<T: Copy> StepFinder<T> {
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            spans: [None; SPANS],
            present: None,
            sum: 0.0,
            elapsed: 0.0,
            noise: EXPECTED_NOISE_SECONDS * rate,
        }
    }

    /// Forgets what was seen; how noisy the fill is, is kept.
    pub(super) fn restart(&mut self) {
        self.spans = [None; SPANS];
        self.present = None;
        self.sum = 0.0;
        self.elapsed = 0.0;
    }

    /// Takes note of the fill for `elapsed` seconds and of what is `known` at present.
    pub(super) fn observe(&mut self, fill: f64, elapsed: f64, known: T) -> Option<Step<T>> {
        let before = *self.present.get_or_insert(known);
        self.sum += fill * elapsed;
        self.elapsed += elapsed;
        if self.elapsed < SPAN_SECONDS {
            return None;
        }
        let span = Span {
            average: self.sum / self.elapsed,
            before,
        };
        self.present = None;
        self.sum = 0.0;
        self.elapsed = 0.0;
        self.spans.rotate_left(1);
        if let Some(Some(last)) = self.spans.get(SPANS - 2) {
            let difference = (span.average - last.average).abs();
            // One step must not make the next one look usual.
            let counted = difference.min(3.0 * self.noise + EXPECTED_NOISE_SECONDS * self.rate);
            self.noise += (counted - self.noise) * NOISE_WEIGHT;
        }
        self.spans[SPANS - 1] = Some(span);
        let [Some(first), Some(second), Some(_), Some(fourth), Some(fifth)] = self.spans else {
            return None;
        };
        let size = (fourth.average + fifth.average - first.average - second.average) / 2.0;
        let settled = (fifth.average - fourth.average).abs() < UNSETTLED * size.abs() + 2.0 * self.noise;
        if !settled || size.abs() < (SMALLEST_SECONDS * self.rate).max(PROMINENCE * self.noise) {
            return None;
        }
        self.restart();
        Some(Step {
            size,
            before: second.before,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;
    const PERIOD: f64 = 0.005;

    /// Steps found in ten seconds of this fill, in seconds over seconds.
    fn steps(fill: impl Fn(f64) -> f64) -> Vec<(f64, Step<f64>)> {
        let mut finder = StepFinder::new(RATE);
        (0..2000)
            .map(|n| f64::from(n) * PERIOD)
            .filter_map(|time| Some((time, finder.observe(fill(time) * RATE, PERIOD, time)?)))
            .collect()
    }

    #[test]
    fn a_step_is_measured_soon_and_what_was_known_before_is_returned() {
        for size in [0.010, -0.010, 0.1] {
            let [(found, step)] = steps(|time| 0.2 + if time > 5.1 { size } else { 0.0 })[..] else {
                panic!("not one step of {size}");
            };
            assert!((5.1..6.0).contains(&found), "{found}");
            assert!((4.0..=5.1).contains(&step.before), "{step:?}");
            assert!((step.size / RATE - size).abs() < 0.2 * size.abs(), "{step:?}");
        }
    }

    #[test]
    fn a_ramp_as_steep_as_clocks_get_is_no_step() {
        assert_eq!(steps(|time| 0.2 + 0.001_7 * time), []);
    }

    #[test]
    fn an_uneven_fill_is_no_step() {
        // A sawtooth of 20 ms, as from a writer that is often late, and slower than a span.
        assert_eq!(steps(|time| 0.2 + 0.02 * (time / 0.035).fract()), []);
        assert!(steps(|time| 0.2 + 0.001_5 * (time * 3.0).sin()).is_empty());
    }
}
