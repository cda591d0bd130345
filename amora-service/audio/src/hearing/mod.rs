//! What the microphone hears, with the box's own sound taken out of it.
//!
//! [`Hearing`] is a plain core: runs of what left the card and of what the microphone heard go in with their marks,
//! blocks of 10 ms come out on two buses, the clean one and the raw one, for any number of readers. [`HearingThread`]
//! turns it beside a running engine.
//!
//! The raw bus is what the microphone gave, bit for bit: it is the reference that is resampled where the microphone has
//! a clock of its own, so neither bus waits for a resampler. Silence stands for frames that were lost on the way.

mod barge_in;
mod bus;
mod canceller;
mod choice;
mod conditioning;
mod drift;
mod engines;
mod figures;
mod follower;
mod high_pass;
mod meter;
mod options;
mod reference;
mod search;
#[cfg(test)]
mod tests;
mod thread;
mod timeline;
mod watch;

pub use bus::{Block, BusReader};
pub use engines::{EngineFactory, Kind, engines};
pub use figures::Figures;
pub use options::HearingOptions;
pub use thread::{HearingError, HearingThread};

use crate::echo::BLOCK;
use crate::engine::Mark;
use amora_contract::config::EchoEngine;
use amora_contract::units::{Decibels, Frames, Hertz, PartsPerMillion};
use barge_in::{BargeIn, Change};
use bus::Bus;
use canceller::{Cancelled, Canceller};
use choice::Chooser;
use conditioning::Conditioner;
use high_pass::HighPass;
use meter::{EchoMeter, Level, SOUNDING, power};
use search::Search;
use std::collections::VecDeque;
use std::time::Duration;
use timeline::{Pair, Timeline};

/// The only rate there is.
pub const RATE: Hertz = Hertz(48_000.0);

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum HearingEvent {
    /// Somebody began to speak while the box does.
    NearEndBegan {
        /// Position on the clean bus.
        position: i64,
    },
    /// Nobody speaks any more.
    NearEndEnded {
        /// Position on the clean bus.
        position: i64,
    },
    /// Another engine is at work.
    EngineChanged {
        /// Which; `None` passes the microphone.
        engine: Option<Kind>,
        /// Why, in plain words.
        why: String,
    },
    /// Another delay is taken out before cancelling.
    Realigned {
        /// Frames by which the echo comes later than the card's reports say.
        delay: f64,
    },
}

/// Events kept for who does not ask for them.
const EVENTS: usize = 64;

/// Blocks between two choices of an engine.
const CHOICE_INTERVAL: u64 = 25;

/// An echo up to 20 ms late, and no earlier than the reference, is an engine's own business.
const NEAR: std::ops::RangeInclusive<f64> = 24.0..=960.0;

/// Where an echo is put whose delay is taken out: 2 ms after the reference, so that what comes before its loudest part
/// is still after the reference.
const HEADROOM: f64 = 96.0;

/// An engine that takes away so much, in dB, has what it needs: suppression alone takes less.
const WORKS: f32 = 20.0;

/// What the microphone hears, block by block. Feed it what left the card first, then what was heard meanwhile.
#[derive(Debug)]
pub struct Hearing {
    asked: EchoEngine,
    timeline: Timeline,
    /// Of the microphone and of the reference, so that both have lost the same.
    high_passes: Option<[HighPass; 2]>,
    canceller: Canceller,
    chooser: Chooser,
    why: String,
    search: Search,
    meter: EchoMeter,
    barge_in: BargeIn,
    conditioner: Conditioner,
    levels: [Level; 3],
    latency: Frames,
    clean: Bus,
    raw: Bus,
    events: VecDeque<HearingEvent>,
    blocks: u64,
    barge_ins: u64,
    realigned: u64,
    heard_kind: Option<Kind>,
}

impl Hearing {
    /// Nothing heard yet.
    pub fn new(options: HearingOptions) -> Self {
        let high_pass = |frequency| [HighPass::new(frequency, RATE), HighPass::new(frequency, RATE)];
        let mut hearing = Self {
            asked: options.engine,
            timeline: Timeline::new(RATE),
            high_passes: options.high_pass.map(high_pass),
            canceller: Canceller::new(options.factory),
            chooser: Chooser::default(),
            why: String::new(),
            search: Search::new(),
            meter: EchoMeter::default(),
            barge_in: BargeIn::new(),
            conditioner: Conditioner::new(options.noise_suppression, options.gain_control),
            levels: [Level::default(); 3],
            latency: Frames(0),
            clean: Bus::new(),
            raw: Bus::new(),
            events: VecDeque::new(),
            blocks: 0,
            barge_ins: 0,
            realigned: 0,
            heard_kind: None,
        };
        hearing.choose(Duration::ZERO);
        hearing
    }

    /// A reader of what the microphone heard without the box's own sound.
    pub fn clean(&self) -> BusReader {
        self.clean.reader()
    }

    /// A reader of what the microphone gave.
    pub fn raw(&self) -> BusReader {
        self.raw.reader()
    }

    /// Asks for another engine. One that failed is tried again.
    pub fn set_engine(&mut self, engine: EchoEngine) {
        self.asked = engine;
        self.canceller.forgive();
        self.chooser.restart();
        self.choose(Duration::ZERO);
    }

    /// A run of what the card was handed: interleaved, with its mark.
    pub fn played(&mut self, mark: &Mark, samples: &[f32], channels: usize) {
        self.timeline.play(mark, samples, channels);
    }

    /// A run of what the microphone heard: mono, with its mark. Whole blocks go to the buses.
    pub fn heard(&mut self, mark: &Mark, samples: &[f32]) {
        self.timeline.hear(mark, samples);
        while let Some(pair) = self.timeline.next() {
            self.process(&pair);
        }
    }

    /// Frames of the microphone that the next block lacks.
    pub(crate) fn missing(&self) -> usize {
        self.timeline.missing()
    }

    /// The next thing that happened, if anything did.
    pub fn poll_event(&mut self) -> Option<HearingEvent> {
        self.events.pop_front()
    }

    /// State and metrics.
    pub fn figures(&self) -> Figures {
        let counts = self.timeline.counts();
        Figures {
            asked: self.asked,
            engine: self.canceller.kind(),
            why: self.why.clone(),
            microphone: self.levels[0].decibels(),
            reference: self.levels[1].decibels(),
            clean: self.levels[2].decibels(),
            echo_reduction: self.meter.reduction().map(Decibels),
            double_talk: self.meter.double_talk(),
            delay: self.search.found(),
            bulk: self.timeline.bulk(),
            drift: PartsPerMillion(self.timeline.drift() * 1e6),
            drift_settled: self.timeline.line().is_settled(),
            resampling: self.timeline.is_resampling(),
            latency: self.latency,
            gain: self.conditioner.gain(),
            near_end: self.barge_in.is_speaking(),
            barge_ins: self.barge_ins,
            blocks: self.blocks,
            breaks: counts.breaks,
            lost_microphone: Frames(counts.lost_microphone),
            lost_reference: Frames(counts.lost_reference),
            without_reference: counts.without_reference,
            realigned: self.realigned,
            changes: self.canceller.changes(),
            failures: self.canceller.failures(),
        }
    }

    fn process(&mut self, pair: &Pair) {
        if pair.anew {
            self.begin_anew();
        }
        let raw = Block {
            position: pair.position as i64,
            nanoseconds: pair.nanoseconds,
            samples: pair.microphone,
        };
        self.raw.write(&raw);

        let mut microphone = pair.microphone;
        let mut reference = pair.reference.unwrap_or([0.0; BLOCK]);
        if let Some([of_microphone, of_reference]) = &mut self.high_passes {
            of_microphone.process(&mut microphone);
            of_reference.process(&mut reference);
        }
        let cancelled = self.canceller.process(&reference, &microphone);
        let powers = [power(&microphone), power(&reference)];
        self.judge(raw.position - cancelled.latency.0 as i64, &cancelled, powers[1]);

        // Whoever judges the canceller sees its own work: conditioning comes after.
        let mut samples = cancelled.clean;
        let echo = self.meter.envelope() > SOUNDING && !self.hears_near_end();
        self.conditioner.process(&mut samples, echo);
        self.latency = Frames(cancelled.latency.0 + self.conditioner.latency().0);
        let late = self.latency.0 as f64 / RATE.0 * 1e9;
        self.clean.write(&Block {
            position: raw.position - self.latency.0 as i64,
            nanoseconds: pair.nanoseconds.saturating_sub(late as u64),
            samples,
        });
        self.blocks += 1;

        let levels = [powers[0], powers[1], power(&samples)];
        for (level, power) in self.levels.iter_mut().zip(levels) {
            level.observe(power);
        }
        if pair.reference.is_some() {
            let mut reported = [0.0; BLOCK];
            self.timeline.reported(pair.position, &mut reported);
            self.search.observe(&reported, &pair.microphone);
        }
        if cancelled.kind != self.heard_kind {
            self.heard_kind = cancelled.kind;
            self.meter.restart();
            self.barge_in.restart();
        }
        if self.blocks.is_multiple_of(CHOICE_INTERVAL) {
            self.align();
            self.choose(Duration::from_millis(10 * CHOICE_INTERVAL));
        }
    }

    /// The time line broke.
    fn begin_anew(&mut self) {
        self.canceller.restart();
        self.chooser.restart();
        self.search.restart();
        self.meter.restart();
        self.barge_in.restart();
    }

    /// Measures what was done to a block, which begins at `position`.
    fn judge(&mut self, position: i64, block: &Cancelled, reference: f32) {
        let near = self.barge_in.suspects();
        let (microphone, clean) = (&block.microphone, &block.clean);
        self.meter
            .observe(reference, power(microphone), power(clean), near);
        // Without an engine nothing tells the talker from the box.
        if self.canceller.kind().is_none() {
            return;
        }
        match self
            .barge_in
            .observe(self.meter.envelope(), microphone, clean, block.near_end)
        {
            Some(Change::Began) => {
                self.barge_ins += 1;
                self.tell(HearingEvent::NearEndBegan { position });
            }
            Some(Change::Ended) => self.tell(HearingEvent::NearEndEnded { position }),
            None => {}
        }
    }

    /// Whether somebody is known to speak while the box sounds.
    fn hears_near_end(&self) -> bool {
        self.canceller.kind().is_some() && self.barge_in.is_speaking()
    }

    /// Takes a long delay out of the reference, unless the engine works with what it has.
    fn align(&mut self) {
        let Some(delay) = self.search.found() else { return };
        let left = delay - self.timeline.bulk() as f64;
        if NEAR.contains(&left) || self.meter.reduction().is_some_and(|reduction| reduction > WORKS) {
            return;
        }
        let bulk = if NEAR.contains(&delay) {
            0
        } else {
            (delay - HEADROOM).round() as i64
        };
        if bulk != self.timeline.bulk() {
            self.timeline.set_bulk(bulk);
            self.realigned += 1;
            self.tell(HearingEvent::Realigned { delay });
        }
    }

    fn choose(&mut self, elapsed: Duration) {
        if self.canceller.is_changing() && elapsed > Duration::ZERO {
            return;
        }
        // Where no echo is found, as with headphones, there is nothing to take away.
        let echo = self.search.hears_echo();
        let reduction = self.meter.telling_reduction().filter(|_| echo);
        let before = self.canceller.kind();
        // An engine that can't be made is one less to choose from.
        let mut elapsed = elapsed;
        for _ in 0..=3 {
            let current = self.canceller.kind();
            let failed = self.canceller.failed();
            let choice = self
                .chooser
                .choose(self.asked, reduction, current, failed, elapsed);
            self.why = choice.why;
            self.canceller.change(choice.kind);
            if self.canceller.kind() == choice.kind {
                break;
            }
            elapsed = Duration::ZERO;
        }
        let engine = self.canceller.kind();
        if engine != before {
            let why = self.why.clone();
            self.tell(HearingEvent::EngineChanged { engine, why });
        }
    }

    fn tell(&mut self, event: HearingEvent) {
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}
