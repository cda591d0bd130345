//! Where on the card's time line the microphone stands, and how fast it moves there: a robust straight line through
//! what the marks of the turns say.

use super::watch::median;
use std::collections::VecDeque;

/// Frames of the microphone whose turns make one point of the line: 50 ms.
const POINT: f64 = 2400.0;

/// Points kept: a minute, within which no crystal changes its mind.
const KEPT: usize = 1200;

/// Points that say something about a slope: one second.
const ENOUGH: usize = 20;

/// Turns that a first guess takes.
const FIRST: usize = 4;

/// A slope is believed when it is so many times its own uncertainty from what was believed,
const SIGNIFICANT: f64 = 4.0;

/// and has moved the line by so many frames: delays are told in whole frames.
const MOVED: f64 = 2.0;

/// Frames after which a slope that differs at all from none is measured rather than remembered: 3 s.
const LONG: f64 = 144_000.0;

/// Least that a point is taken to be off, in frames: delays are rounded.
const ROUNDING: f64 = 0.3;

/// A straight line of offsets (reference position less microphone position) over microphone positions.
#[derive(Debug, Default)]
pub(super) struct Line {
    points: VecDeque<(f64, f64)>,
    /// Turns of the point in the making.
    turns: Vec<(f64, f64)>,
    /// Where the line goes through.
    middle: Option<(f64, f64)>,
    slope: f64,
    uncertainty: f64,
    span: f64,
    spread: f64,
}

impl Line {
    /// Begins anew; the clocks are still the same, so the slope is remembered.
    pub(super) fn restart(&mut self) {
        *self = Self {
            slope: self.slope,
            ..Self::default()
        };
    }

    /// Whether enough is known for a first guess.
    pub(super) fn is_ready(&self) -> bool {
        self.middle.is_some()
    }

    /// How much more than one frame of the reference goes by in a frame of the microphone; exactly 0 for one clock.
    pub(super) fn slope(&self) -> f64 {
        self.slope
    }

    /// Whether the slope is known to a millionth.
    pub(super) fn is_settled(&self) -> bool {
        self.span >= LONG && self.uncertainty < 1e-6
    }

    /// The offset at a microphone position.
    pub(super) fn at(&self, position: f64) -> f64 {
        let (x, y) = self.middle.unwrap_or_default();
        y + self.slope * (position - x)
    }

    /// Takes note of one turn.
    pub(super) fn observe(&mut self, position: f64, offset: f64) {
        if let Some((first, _)) = self.turns.first()
            && position - first >= POINT
        {
            let point = centre(&mut self.turns);
            self.turns.clear();
            if self.points.len() == KEPT {
                self.points.pop_front();
            }
            self.points.push_back(point);
            self.fit();
        }
        self.turns.push((position, offset));
        if self.points.is_empty() && self.turns.len() >= FIRST {
            self.middle = Some(centre(&mut self.turns.clone()));
        }
    }

    /// Least squares, twice with less weight for what lies far off (Tukey's biweight).
    fn fit(&mut self) {
        let mut sums = Sums::of(self.points.iter().map(|point| (*point, 1.0)));
        for _ in 0..2 {
            let (middle, slope) = (sums.middle(), sums.slope());
            let off = |(x, y): (f64, f64)| y - middle.1 - slope * (x - middle.0);
            let mut sizes: Vec<f64> = self.points.iter().map(|point| off(*point).abs()).collect();
            // 1.4826 makes a median of sizes a standard deviation.
            self.spread = 1.4826 * median(&mut sizes);
            let reach = 6.0 * self.spread.max(ROUNDING);
            sums = Sums::of(self.points.iter().map(|point| {
                let part = (off(*point) / reach).clamp(-1.0, 1.0);
                (*point, (1.0 - part * part).powi(2))
            }));
        }
        self.middle = Some(sums.middle());
        let (first, last) = (self.points[0].0, self.points[self.points.len() - 1].0);
        self.span = last - first;
        self.uncertainty = self.spread.max(ROUNDING) / sums.xx.sqrt().max(1.0);
        let slope = sums.slope();
        let change = (slope - self.slope).abs();
        let is_news = self.points.len() >= ENOUGH
            && change > SIGNIFICANT * self.uncertainty
            && change * self.span > MOVED.max(2.0 * self.spread);
        if is_news || (self.slope != 0.0 && self.span > LONG) {
            self.slope = slope;
        }
    }
}

/// The middle of the turns' positions and the mean of their offsets without the outermost fifths.
fn centre(turns: &mut [(f64, f64)]) -> (f64, f64) {
    let count = turns.len();
    let x = turns.iter().map(|turn| turn.0).sum::<f64>() / count as f64;
    turns.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
    let kept = &turns[count / 5..count - count / 5];
    (x, kept.iter().map(|turn| turn.1).sum::<f64>() / kept.len() as f64)
}

/// Weighted sums around a first point, which keeps the numbers small.
#[derive(Debug, Default)]
struct Sums {
    origin: (f64, f64),
    weight: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Sums {
    fn of(points: impl Iterator<Item = ((f64, f64), f64)> + Clone) -> Self {
        let mut sums = Self::default();
        let Some((origin, _)) = points.clone().next() else {
            return sums;
        };
        sums.origin = origin;
        for ((x, y), weight) in points.clone() {
            sums.weight += weight;
            sums.x += weight * (x - origin.0);
            sums.y += weight * (y - origin.1);
        }
        sums.x /= sums.weight.max(f64::MIN_POSITIVE);
        sums.y /= sums.weight.max(f64::MIN_POSITIVE);
        for ((x, y), weight) in points {
            let (x, y) = (x - origin.0 - sums.x, y - origin.1 - sums.y);
            sums.xx += weight * x * x;
            sums.xy += weight * x * y;
        }
        sums
    }

    fn middle(&self) -> (f64, f64) {
        (self.origin.0 + self.x, self.origin.1 + self.y)
    }

    fn slope(&self) -> f64 {
        if self.xx > 0.0 { self.xy / self.xx } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `seconds` of 5 ms turns on a line of `slope`, each off by `jitter`.
    fn feed(line: &mut Line, from: u64, seconds: u64, slope: f64, jitter: impl Fn(u64) -> f64) {
        for turn in from * 200..(from + seconds) * 200 {
            let position = (turn * 240) as f64;
            line.observe(position, (1000.0 + slope * position).floor() + jitter(turn));
        }
    }

    #[test]
    fn one_clock_has_no_drift_at_all() {
        let mut line = Line::default();
        feed(&mut line, 0, 3600, 0.0, |turn| (turn * 7919 % 97) as f64 - 48.0);
        assert_eq!(line.slope(), 0.0);
        assert!((line.at(48_000.0 * 3600.0) - 1000.0).abs() < 3.0);
    }

    #[test]
    fn drift_is_found_within_two_millionths_in_ten_seconds() {
        for drift in [-200.0, -100.0, -20.0, 7.0, 50.0, 100.0, 200.0] {
            let mut line = Line::default();
            feed(&mut line, 0, 10, drift * 1e-6, |_| 0.0);
            let found = line.slope() * 1e6;
            assert!((found - drift).abs() < 2.0, "{found} instead of {drift} ppm");
            let (end, slope) = (480_000.0, drift * 1e-6);
            assert!((line.at(end) - 999.5 - slope * end).abs() < 1.5);
        }
    }

    #[test]
    fn wild_values_do_not_bend_the_line() {
        let mut line = Line::default();
        let wild = |turn: u64| {
            if turn.is_multiple_of(11) {
                80.0
            } else {
                (turn % 3) as f64
            }
        };
        feed(&mut line, 0, 20, 100e-6, wild);
        assert!((line.slope() * 1e6 - 100.0).abs() < 2.0, "{}", line.slope());
    }

    #[test]
    fn the_drift_is_remembered_across_a_break() {
        let mut line = Line::default();
        feed(&mut line, 0, 30, 100e-6, |_| 0.0);
        line.restart();
        assert!(!line.is_ready());
        feed(&mut line, 100, 1, 100e-6, |_| 5000.0);
        assert!(line.is_ready() && (line.slope() * 1e6 - 100.0).abs() < 2.0);
    }
}
