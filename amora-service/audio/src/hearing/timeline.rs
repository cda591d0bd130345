//! Puts what the microphone heard and what was leaving the card meanwhile on one time line, block by block.

use super::drift::Line;
use super::follower::Follower;
use super::reference::Reference;
use super::watch::{Verdict, Watch};
use crate::echo::BLOCK;
use crate::engine::Mark;
use amora_contract::units::Hertz;
use std::collections::VecDeque;

/// Most lost frames of the microphone that silence stands for, so that time goes on evenly: one second.
const LONGEST_SILENCE: u64 = 48_000;

/// Frames of the microphone that may wait for their reference before they go on without: 100 ms.
const PATIENCE: usize = 4800;

/// One block of what was heard.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// Position of the first frame among all captured.
    pub(super) position: u64,
    /// When the first frame was captured, by the card's clock.
    pub(super) nanoseconds: u64,
    pub(super) microphone: [f32; BLOCK],
    /// What was leaving the card; `None` where that isn't known.
    pub(super) reference: Option<[f32; BLOCK]>,
    /// The time line broke before this block.
    pub(super) anew: bool,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) breaks: u64,
    pub(super) lost_microphone: u64,
    pub(super) lost_reference: u64,
    pub(super) without_reference: u64,
}

#[derive(Debug)]
pub(super) struct Timeline {
    rate: f64,
    reference: Reference,
    follower: Follower,
    line: Line,
    /// Played against time, captured against time, played against captured.
    watches: [Watch; 3],
    pending: VecDeque<f32>,
    /// Position of the first pending frame, once there was one.
    start: Option<u64>,
    /// Time of the frame at this position.
    stamp: (u64, u64),
    /// The line is true from this position on.
    valid: u64,
    /// From this position on it may not be.
    doubt: Option<u64>,
    doubted: Vec<(f64, f64)>,
    last_turn: Option<Mark>,
    bulk: i64,
    anew: bool,
    counts: Counts,
}

impl Timeline {
    pub(super) fn new(rate: Hertz) -> Self {
        Self {
            rate: rate.0,
            reference: Reference::new(),
            follower: Follower::new(),
            line: Line::default(),
            watches: Default::default(),
            pending: VecDeque::new(),
            start: None,
            stamp: (0, 0),
            valid: 0,
            doubt: None,
            doubted: Vec::new(),
            last_turn: None,
            bulk: 0,
            anew: true,
            counts: Counts::default(),
        }
    }

    /// A run of what the card was handed.
    pub(super) fn play(&mut self, mark: &Mark, samples: &[f32], channels: usize) {
        self.counts.lost_reference += self.reference.push(mark.position, samples, channels);
    }

    /// A run of what the microphone heard.
    pub(super) fn hear(&mut self, mark: &Mark, samples: &[f32]) {
        self.bridge(mark.position);
        self.consider(mark);
        self.pending.extend(samples.iter().map(|sample| {
            // What is no number would live on in every filter.
            if sample.is_finite() { *sample } else { 0.0 }
        }));
    }

    /// Silence for frames that were lost on the way.
    fn bridge(&mut self, position: u64) {
        let Some(start) = self.start else {
            self.start = Some(position);
            self.valid = position;
            return;
        };
        let expected = start + self.pending.len() as u64;
        if position == expected {
            return;
        }
        let lost = position.saturating_sub(expected);
        self.counts.lost_microphone += lost;
        self.counts.breaks += 1;
        self.valid = position;
        self.anew = true;
        if (1..=LONGEST_SILENCE).contains(&lost) {
            self.pending.extend((0..lost).map(|_| 0.0));
        } else {
            self.counts.lost_microphone += self.pending.len() as u64;
            self.pending.clear();
            self.start = Some(position);
            self.doubt = None;
            self.doubted.clear();
        }
    }

    /// Judges where the turn stands.
    fn consider(&mut self, mark: &Mark) {
        if self.last_turn.is_some_and(|last| {
            (last.written, last.turn.nanoseconds) == (mark.written, mark.turn.nanoseconds)
        }) {
            return;
        }
        self.last_turn = Some(*mark);
        let turn = &mark.turn;
        let before = (turn.captured.0 + turn.capture_delay.0) as f64 / self.rate * 1e9;
        self.stamp = (mark.position, turn.nanoseconds.saturating_sub(before as u64));

        let elapsed = turn.nanoseconds as f64 * 1e-9 * self.rate;
        let played = mark.written as f64 - turn.playback_delay.0 as f64;
        let captured = (mark.position + turn.captured.0 + turn.capture_delay.0) as f64;
        let offset = mark.reference() as f64 - mark.position as f64;
        let timed = turn.nanoseconds > 0;
        let values = [
            timed.then_some(played - elapsed),
            timed.then_some(captured - elapsed),
            Some(offset),
        ];
        let verdicts = values
            .iter()
            .zip(&mut self.watches)
            .filter_map(|(value, watch)| Some(watch.observe((*value)?)));
        let (mut doubtful, mut broken) = (false, false);
        for verdict in verdicts {
            doubtful |= verdict == Verdict::Doubt;
            broken |= verdict == Verdict::Broken;
        }

        let point = (mark.position as f64, offset);
        if broken {
            self.counts.breaks += 1;
            self.valid = self.doubt.take().unwrap_or(mark.position);
            self.anew = true;
            self.line.restart();
            for watch in &mut self.watches {
                watch.restart();
            }
            for (position, offset) in self.doubted.drain(..) {
                self.line.observe(position, offset);
            }
            self.line.observe(point.0, point.1);
        } else if doubtful {
            self.doubt.get_or_insert(mark.position);
            self.doubted.push(point);
        } else {
            self.doubt = None;
            self.doubted.clear();
            self.line.observe(point.0, point.1);
        }
    }

    /// The next block, once it is whole and there is no doubt about its reference.
    pub(super) fn next(&mut self) -> Option<Pair> {
        let start = self.start?;
        let end = start + BLOCK as u64;
        if self.pending.len() < BLOCK || self.doubt.is_some_and(|doubt| end > doubt) {
            return None;
        }
        let mut pair = Pair {
            position: start,
            nanoseconds: self.time_of(start),
            microphone: [0.0; BLOCK],
            reference: None,
            anew: false,
        };
        if start >= self.valid {
            if !self.line.is_ready() {
                return None;
            }
            let position = start as f64;
            let place = position + self.line.at(position) - self.bulk as f64;
            if self.anew {
                self.follower.jump(place);
            }
            let (from, to) = self.follower.reach();
            let waiting = self.pending.len() <= PATIENCE;
            if to > self.reference.end() && waiting {
                return None;
            }
            if to > self.reference.end() || self.reference.is_torn(from, to) {
                self.counts.breaks += u64::from(!self.anew);
                self.anew = true;
            } else {
                let mut block = [0.0; BLOCK];
                self.follower
                    .follow(&self.reference, place, self.line.slope(), &mut block);
                pair.reference = Some(block);
                pair.anew = std::mem::take(&mut self.anew);
            }
        }
        self.counts.without_reference += u64::from(pair.reference.is_none());
        for (to, from) in pair.microphone.iter_mut().zip(self.pending.drain(..BLOCK)) {
            *to = from;
        }
        self.start = Some(end);
        Some(pair)
    }

    /// Frames of the microphone that the next block lacks; none while it waits for something else.
    pub(super) fn missing(&self) -> usize {
        BLOCK.saturating_sub(self.pending.len())
    }

    /// Takes the reference from `bulk` frames earlier than the marks say, from the next block on.
    pub(super) fn set_bulk(&mut self, bulk: i64) {
        if bulk != self.bulk {
            self.bulk = bulk;
            self.anew = true;
        }
    }

    pub(super) fn bulk(&self) -> i64 {
        self.bulk
    }

    /// Fills `out` with what was leaving the card, by the marks alone, while the block at `position` was heard.
    pub(super) fn reported(&self, position: u64, out: &mut [f32; BLOCK]) {
        let place = position as f64 + self.line.at(position as f64);
        self.reference.read(place.round() as i64, out);
    }

    /// By which fraction the microphone's clock is faster than the card's; exactly 0 for one clock.
    pub(super) fn drift(&self) -> f64 {
        -self.line.slope() / (1.0 + self.line.slope())
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    pub(super) fn is_resampling(&self) -> bool {
        self.follower.is_moving()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Position that the next block's reference is read from.
    #[cfg(test)]
    pub(super) fn place(&self) -> f64 {
        self.follower.place()
    }

    /// Frames of the microphone that wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    fn time_of(&self, position: u64) -> u64 {
        let (stamped, nanoseconds) = self.stamp;
        let away = (position as f64 - stamped as f64) / self.rate * 1e9;
        (nanoseconds as f64 + away).max(0.0) as u64
    }
}
