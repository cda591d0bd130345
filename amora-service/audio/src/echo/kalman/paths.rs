//! Two filters of the same room: a steady one, which a talker hardly moves, and a quick one for rooms that change and
//! clocks that drift. Whichever leaves less is heard, and what is clearly better is learnt by the other.

use super::change::Change;
use super::filter::Filter;
use super::mismatch::Mismatch;
use super::reference::Reference;
use super::spectrum::{BINS, SILENCE, Transform};
use crate::echo::BLOCK;

/// Share of the response's power that may change in a block: a room that stands still, and one that moves.
const STEADY: f32 = 1e-4;
const QUICK: f32 = 2e-2;

/// Weight of the past blocks in the power of what a filter leaves.
const MEMORY: f32 = 0.9;

/// The quick filter is heard when it leaves less than this share of what the steady one leaves.
const HEARD: f32 = 0.9;

/// The steady filter learns from the quick one when that leaves less than this share, and the other way round.
const STEADY_LEARNS: f32 = 0.5;
const QUICK_LEARNS: f32 = 0.25;

/// Blocks between two such lessons.
const REST: u32 = 10;

/// Share of the response's power that becomes uncertain in every block while the room certainly changed.
const CHANGED: f32 = 0.3;

/// What the quick filter makes of the share of the echo that is proven to be left.
const PROVEN: f32 = 0.2;

struct Path {
    filter: Filter,
    mismatch: Mismatch,
    echo: [f32; BLOCK],
    power: f32,
    /// Share of the predicted echo that is proven to be left.
    proven: [f32; BINS],
}

impl Path {
    fn new(reference: &Reference, process_noise: f32) -> Self {
        Self {
            filter: Filter::new(reference, process_noise),
            mismatch: Mismatch::default(),
            echo: [0.0; BLOCK],
            power: 0.0,
            proven: [0.0; BINS],
        }
    }

    fn restart(&mut self) {
        self.filter.restart();
        self.mismatch = Mismatch::default();
        self.echo = [0.0; BLOCK];
        self.power = 0.0;
        self.proven = [0.0; BINS];
    }
}

/// Both filters.
pub(super) struct Paths {
    steady: Path,
    quick: Path,
    change: Change,
    changed: f32,
    rested: u32,
    /// Whether the quick filter is heard.
    hears_quick: bool,
}

impl Paths {
    pub(super) fn new(reference: &Reference) -> Self {
        Self {
            steady: Path::new(reference, STEADY),
            quick: Path::new(reference, QUICK),
            change: Change::default(),
            changed: 0.0,
            rested: 0,
            hears_quick: false,
        }
    }

    pub(super) fn restart(&mut self) {
        self.steady.restart();
        self.quick.restart();
        self.change = Change::default();
        self.changed = 0.0;
        self.rested = 0;
        self.hears_quick = false;
    }

    /// Predicts the echo of what was just played and learns from what the microphone heard.
    pub(super) fn process(
        &mut self,
        reference: &Reference,
        microphone: &[f32; BLOCK],
        transform: &mut Transform,
        echo: &mut [f32; BLOCK],
    ) {
        if reference.is_silent() {
            // Nothing can be learnt, and what is known stays.
            for path in [&mut self.steady, &mut self.quick] {
                path.echo = [0.0; BLOCK];
                path.proven = [0.0; BINS];
                path.filter.rest();
            }
            self.changed = 0.0;
            *echo = [0.0; BLOCK];
            return;
        }
        for (is_quick, path) in [(false, &mut self.steady), (true, &mut self.quick)] {
            path.filter.predict(reference, transform, &mut path.echo);
            let error: [f32; BLOCK] = std::array::from_fn(|n| microphone[n] - path.echo[n]);
            let power: f32 = error.iter().map(|sample| sample * sample).sum();
            path.power += (1.0 - MEMORY) * (power - path.power);
            let mut error_spectrum = SILENCE;
            transform.forward(&[0.0; BLOCK], &error, &mut error_spectrum);
            let mut echo_spectrum = SILENCE;
            transform.forward(&[0.0; BLOCK], &path.echo, &mut echo_spectrum);
            if !is_quick {
                self.changed = self.change.judge(&error_spectrum, &echo_spectrum);
            }
            path.mismatch
                .watch(&error_spectrum, &echo_spectrum, &mut path.proven);
            let weight = if is_quick { PROVEN } else { 0.0 };
            let wrong = path
                .proven
                .map(|proven| (weight * proven).max(CHANGED * self.changed));
            path.filter.learn(reference, transform, &error_spectrum, &wrong);
        }
        self.choose(echo);
        self.teach();
    }

    /// Goes from one filter to the other over a block.
    fn choose(&mut self, echo: &mut [f32; BLOCK]) {
        let before = if self.hears_quick {
            &self.quick.echo
        } else {
            &self.steady.echo
        };
        self.hears_quick = self.quick.power < HEARD * self.steady.power;
        let now = if self.hears_quick {
            &self.quick.echo
        } else {
            &self.steady.echo
        };
        for (n, sample) in echo.iter_mut().enumerate() {
            let share = n as f32 / BLOCK as f32;
            *sample = before[n] + share * (now[n] - before[n]);
        }
    }

    fn teach(&mut self) {
        self.rested = (self.rested + 1).min(REST + 1);
        if self.rested <= REST {
            return;
        }
        let (from, to) = if self.quick.power < STEADY_LEARNS * self.steady.power {
            (&self.quick, &mut self.steady)
        } else if self.steady.power < QUICK_LEARNS * self.quick.power {
            (&self.steady, &mut self.quick)
        } else {
            return;
        };
        to.filter.copy(&from.filter);
        to.power = from.power;
        self.rested = 0;
    }

    fn heard(&self) -> &Path {
        if self.hears_quick {
            &self.quick
        } else {
            &self.steady
        }
    }

    /// Power of the echo that the filter that is heard expects to leave, per bin of a whole spectrum of the reference.
    pub(super) fn uncertainty(&self, power: &mut [f32; BINS]) {
        self.heard().filter.uncertainty(power);
    }

    /// Share of the predicted echo that is proven to be left.
    pub(super) fn proven(&self) -> &[f32; BINS] {
        &self.heard().proven
    }

    /// How certain it is that the room just changed, 0 to 1.
    pub(super) fn changed(&self) -> f32 {
        self.changed
    }

    /// Whether all is numbers.
    pub(super) fn is_sound(&self) -> bool {
        self.steady.power.is_finite() && self.quick.power.is_finite()
    }
}
