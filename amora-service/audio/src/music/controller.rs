//! Decides how much faster or slower than the card music must be taken, so that what waits stays near its target.
//!
//! A proportional-integral controller on the filtered fill level. It starts quick, to learn a new writer's clock
//! within seconds, and becomes slow as it gets to know it: then neither the unevenness of the writer's chunks nor
//! the slow beat between chunks and periods moves the pitch by more than a few parts per million. A step of the fill
//! is no drift: the set point takes it, and glides back to the target.

use super::steps::{Step, StepFinder};

/// Furthest that the pitch is ever bent: 1.7 thousandths, 3 cents, beneath what a trained ear tells apart. Crystals
/// are within 100 parts per million; this leaves room for clocks that are truly wrong.
const FURTHEST: f64 = 1.7e-3;

/// Fastest change of pitch, per second: slower than any vibrato by orders of magnitude.
const FASTEST_CHANGE: f64 = 2e-4;

/// Natural frequency of the loop when it has settled, in radians per second. A drift that jumps by 400 parts per
/// million then moves the fill by some 15 ms at most, far less than what waits.
const SLOWEST: f64 = 0.0125;

/// The natural frequency falls as this over the seconds since the start: what is wrong then dies away with the
/// power of 2.5 of time, where 1 would let it linger with its square root.
const EAGERNESS: f64 = 3.0;

/// Seconds that the fall begins with: a quarter radian per second.
const HEAD_START: f64 = 12.0;

/// The fill's two filter poles lie this much above the loop's natural frequency.
const FILTER_FACTOR: f64 = 8.0;

/// The fill is averaged this long before the loop closes, so it begins without an error to correct.
const AVERAGING_SECONDS: f64 = 1.0;

/// How fast the set point moves from the fill found at the start to the target asked for: 5 parts per million,
/// a hundredth of a cent. Nobody waits for some milliseconds less.
const GLIDE: f64 = 5e-6;

/// How much faster it moves for every target's worth that the fill is off by more than a quarter.
const FAST_GLIDE: f64 = 2e-4;

/// An error of the fill, in seconds, that shows that the writer's clock is another now: be quick again.
const SURPRISE_SECONDS: f64 = 0.025;

/// How quick: as after this many seconds.
const SURPRISED_AGE: f64 = 120.0;

/// Furthest from the target, as a part of it, that a step may leave the set point: beyond, too little would wait, or
/// too much, and the loop must work.
const FURTHEST_STEP: f64 = 0.5;

#[derive(Debug, Clone)]
pub(crate) struct Controller {
    rate: f64,
    target: f64,
    /// Seconds since the present writer's clock was first seen.
    age: f64,
    /// Seconds of the present run.
    run: f64,
    average: f64,
    set_point: f64,
    filter: [f64; 2],
    integral: f64,
    correction: f64,
    steps: StepFinder<Known>,
}

/// What a step of the fill makes untrue, as it was before.
#[derive(Debug, Clone, Copy)]
struct Known {
    set_point: f64,
    filter: f64,
    integral: f64,
}

impl Controller {
    pub(crate) fn new(rate: f64, target: usize) -> Self {
        Self {
            rate,
            target: target as f64,
            age: 0.0,
            run: 0.0,
            average: 0.0,
            set_point: 0.0,
            filter: [0.0; 2],
            integral: 0.0,
            correction: 0.0,
            steps: StepFinder::new(rate),
        }
    }

    /// Music starts anew. What is known of the writer's clock is kept.
    pub(crate) fn restart(&mut self) {
        self.run = 0.0;
        self.average = 0.0;
        self.correction = self.integral;
        self.steps.restart();
    }

    /// By which fraction music must be taken faster than the card plays.
    pub(crate) fn correction(&self) -> f64 {
        self.correction
    }

    /// By which fraction the writer's clock is believed to be fast.
    pub(crate) fn drift(&self) -> f64 {
        self.integral
    }

    /// Takes note of the fill, in frames, as `frames` more are about to be played.
    pub(crate) fn observe(&mut self, fill: f64, frames: usize) {
        let elapsed = frames as f64 / self.rate;
        self.age += elapsed;
        let known = Known {
            set_point: if self.run > 0.0 { self.set_point } else { fill },
            filter: if self.run > 0.0 { self.filter[1] } else { fill },
            integral: self.integral,
        };
        if let Some(step) = self.steps.observe(fill, elapsed, known) {
            self.take_step(step);
        }
        if self.run < AVERAGING_SECONDS {
            self.average += fill * elapsed;
            self.run += elapsed;
            self.set_point = self.average / self.run;
            self.filter = [self.set_point; 2];
            return;
        }
        self.run += elapsed;
        let off = self.target - self.set_point;
        let far = (off.abs() / self.target - 0.25).clamp(0.0, 1.0);
        let glide = (GLIDE + FAST_GLIDE * far) * frames as f64;
        self.set_point += off.clamp(-glide, glide);

        let natural = (EAGERNESS / (self.age + HEAD_START)).max(SLOWEST);
        let pole = 1.0 - (-FILTER_FACTOR * natural * elapsed).exp();
        self.filter[0] += (fill - self.filter[0]) * pole;
        self.filter[1] += (self.filter[0] - self.filter[1]) * pole;
        let error = self.filter[1] - self.set_point;
        if error.abs() > SURPRISE_SECONDS * self.rate {
            self.age = self.age.min(SURPRISED_AGE);
        }
        self.integral =
            (self.integral + natural * natural / self.rate * error * elapsed).clamp(-FURTHEST, FURTHEST);
        let wanted = (2.0 * natural / self.rate * error + self.integral).clamp(-FURTHEST, FURTHEST);
        self.approach(wanted, elapsed);
    }

    /// Goes on as if the fill had always stood where it stands since the step.
    fn take_step(&mut self, step: Step<Known>) {
        let furthest = FURTHEST_STEP * self.target;
        self.set_point =
            (step.before.set_point + step.size).clamp(self.target - furthest, self.target + furthest);
        self.filter = [step.before.filter + step.size; 2];
        self.integral = step.before.integral;
    }

    /// The writer waits for us: there is no clock but the card's.
    pub(crate) fn follow_card(&mut self, frames: usize) {
        let elapsed = frames as f64 / self.rate;
        self.run = 0.0;
        self.average = 0.0;
        self.age = 0.0;
        self.integral = 0.0;
        self.steps.restart();
        self.approach(0.0, elapsed);
    }

    fn approach(&mut self, wanted: f64, elapsed: f64) {
        let step = FASTEST_CHANGE * elapsed;
        self.correction += (wanted - self.correction).clamp(-step, step);
    }
}
