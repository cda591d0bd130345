//! The engine at work, and the change from one to another without a click.

use super::{EngineFactory, Kind};
use crate::echo::{BLOCK, EchoCanceller};
use amora_contract::units::Frames;
use std::collections::{BTreeSet, VecDeque};
use std::f32::consts::PI;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Blocks that a new engine learns beside the old one before it is heard: one second.
const LEARNING: u32 = 100;

/// Blocks of the cross-fade: 40 ms.
const FADE: u32 = 4;

/// What an engine may put out at most; beyond it has lost its mind.
const SANE: f32 = 8.0;

/// Samples over which the step that a failing engine leaves is smoothed: 5 ms.
const EDGE: f32 = 240.0;

/// Longest latency that an engine may have: half a second.
const LONGEST: u64 = 24_000;

/// One engine, delayed to the common latency. Without an engine the microphone passes.
struct Seat {
    kind: Option<Kind>,
    engine: Option<Box<dyn EchoCanceller>>,
    latency: usize,
    padding: VecDeque<f32>,
}

impl Seat {
    fn pass_through() -> Self {
        Self {
            kind: None,
            engine: None,
            latency: 0,
            padding: VecDeque::new(),
        }
    }

    /// Makes the output later, or less late, by what lacks to `latency`.
    fn pad(&mut self, latency: usize) {
        let wanted = latency.saturating_sub(self.latency);
        while self.padding.len() > wanted {
            self.padding.pop_front();
        }
        while self.padding.len() < wanted {
            self.padding.push_front(0.0);
        }
    }

    /// The engine's output, or why there is none.
    fn run(&mut self, reference: &[f32; BLOCK], microphone: &[f32; BLOCK]) -> Result<[f32; BLOCK], String> {
        let mut block = *microphone;
        if let Some(engine) = &mut self.engine {
            // An engine that has panicked is never used again.
            let ran = catch_unwind(AssertUnwindSafe(|| engine.process(reference, &mut block)));
            if let Err(panic) = ran {
                return Err(format!("it panicked: {}", said(panic.as_ref())));
            }
            if !block.iter().all(|sample| sample.abs() < SANE) {
                return Err("it put out what is no sound".to_owned());
            }
        }
        self.padding.extend(block);
        for (sample, delayed) in block.iter_mut().zip(self.padding.drain(..BLOCK)) {
            *sample = delayed;
        }
        Ok(block)
    }

    fn restart(&mut self) -> Result<(), String> {
        match &mut self.engine {
            Some(engine) => catch_unwind(AssertUnwindSafe(|| engine.restart()))
                .map_err(|panic| format!("it panicked: {}", said(panic.as_ref()))),
            None => Ok(()),
        }
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

/// What became of a block.
#[derive(Debug, Clone)]
pub(super) struct Cancelled {
    pub(super) clean: [f32; BLOCK],
    /// What the microphone gave, as late as `clean`.
    pub(super) microphone: [f32; BLOCK],
    /// By how much both are late.
    pub(super) latency: Frames,
    /// The engine heard, or about to be.
    pub(super) kind: Option<Kind>,
    /// How much the block speaks for somebody in the room, where the engine can tell.
    pub(super) near_end: Option<f32>,
}

pub(super) struct Canceller {
    factory: EngineFactory,
    current: Seat,
    /// The engine to come, and blocks since it took its seat.
    next: Option<(Seat, u32)>,
    latency: usize,
    microphone: VecDeque<f32>,
    failed: BTreeSet<Kind>,
    failures: u64,
    changes: u64,
    last: f32,
    /// What is left of the step of an engine that failed.
    step: Option<f32>,
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canceller")
            .field("kind", &self.current.kind)
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

impl Canceller {
    pub(super) fn new(factory: EngineFactory) -> Self {
        Self {
            factory,
            current: Seat::pass_through(),
            next: None,
            latency: 0,
            microphone: VecDeque::new(),
            failed: BTreeSet::new(),
            failures: 0,
            changes: 0,
            last: 0.0,
            step: None,
        }
    }

    /// The engine that is heard, or about to be.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.next
            .as_ref()
            .map_or(self.current.kind, |(seat, _)| seat.kind)
    }

    /// Engines that failed and are not tried again.
    pub(super) fn failed(&self) -> &BTreeSet<Kind> {
        &self.failed
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Tries failed engines again.
    pub(super) fn forgive(&mut self) {
        self.failed.clear();
    }

    /// Whether an engine is learning or being faded in.
    pub(super) fn is_changing(&self) -> bool {
        self.next.is_some()
    }

    /// Changes to another engine; at once where nothing was cancelled so far.
    pub(super) fn change(&mut self, kind: Option<Kind>) {
        if kind == self.kind() {
            return;
        }
        let mut seat = Seat::pass_through();
        if let Some(kind) = kind {
            let made = catch_unwind(AssertUnwindSafe(|| (self.factory)(kind)))
                .unwrap_or_else(|panic| Err(format!("it panicked: {}", said(panic.as_ref()))));
            match made {
                Ok(engine) if engine.latency().0 <= LONGEST => {
                    seat.kind = Some(kind);
                    seat.latency = engine.latency().0 as usize;
                    seat.engine = Some(engine);
                }
                Ok(_) => return self.fail(kind, "its latency is longer than half a second"),
                Err(cause) => return self.fail(kind, &cause),
            }
        }
        // A longer latency shifts what is heard once; a shorter one is padded.
        seat.pad(self.latency.max(seat.latency));
        if seat.engine.is_none() {
            seat.padding.clone_from(&self.microphone);
        }
        self.changes += 1;
        let begins = if self.current.engine.is_some() && seat.engine.is_some() {
            0
        } else {
            // Nothing is lost by hearing it at once, but for what has not come through it yet.
            LEARNING.saturating_sub((seat.latency / BLOCK) as u32 + 1)
        };
        self.next = Some((seat, begins));
    }

    /// The time line broke: engines forget the room.
    pub(super) fn restart(&mut self) {
        if let Err(cause) = self.current.restart() {
            self.lose_current(&cause);
        }
        if let Some((seat, _)) = &mut self.next
            && let Err(cause) = seat.restart()
        {
            self.lose_next(&cause);
        }
    }

    pub(super) fn process(&mut self, reference: &[f32; BLOCK], microphone: &[f32; BLOCK]) -> Cancelled {
        let mut clean = match self.current.run(reference, microphone) {
            Ok(block) => block,
            Err(cause) => {
                self.lose_current(&cause);
                self.current.run(reference, microphone).unwrap_or(*microphone)
            }
        };
        let incoming = self
            .next
            .as_mut()
            .map(|(seat, _)| seat.run(reference, microphone));
        match incoming {
            Some(Ok(block)) => self.blend(&mut clean, &block),
            Some(Err(cause)) => self.lose_next(&cause),
            None => {}
        }
        self.smooth(&mut clean);
        self.last = clean[BLOCK - 1];

        self.microphone.extend(microphone);
        let mut delayed = [0.0; BLOCK];
        for (to, from) in delayed.iter_mut().zip(self.microphone.drain(..BLOCK)) {
            *to = from;
        }
        Cancelled {
            clean,
            microphone: delayed,
            latency: Frames(self.latency as u64),
            kind: self.kind(),
            near_end: self.current.engine.as_ref().and_then(|engine| engine.near_end()),
        }
    }

    /// Fades `incoming` in once it has learnt.
    fn blend(&mut self, clean: &mut [f32; BLOCK], incoming: &[f32; BLOCK]) {
        let Some((_, blocks)) = &mut self.next else { return };
        let faded = blocks.saturating_sub(LEARNING);
        let fades = *blocks >= LEARNING;
        *blocks += 1;
        let done = *blocks >= LEARNING + FADE;
        if fades {
            let length = (FADE as usize * BLOCK) as f32;
            for (n, (sample, other)) in clean.iter_mut().zip(incoming).enumerate() {
                let part = (faded as usize * BLOCK + n) as f32 / length;
                let gain = 0.5 - 0.5 * (PI * part).cos();
                *sample += gain * (other - *sample);
            }
        }
        if done && let Some((seat, _)) = self.next.take() {
            self.latency = self.latency.max(seat.latency);
            while self.microphone.len() < self.latency {
                self.microphone.push_front(0.0);
            }
            self.current = seat;
        }
    }

    /// Lets the step that a failing engine left die away.
    fn smooth(&mut self, clean: &mut [f32; BLOCK]) {
        let Some(last) = self.step.take() else { return };
        let step = last - clean[0];
        for (n, sample) in clean.iter_mut().enumerate() {
            let part = (n as f32 / EDGE).min(1.0);
            *sample += step * (0.5 + 0.5 * (PI * part).cos());
        }
    }

    fn lose_current(&mut self, cause: &str) {
        if let Some(kind) = self.current.kind {
            self.fail(kind, cause);
        }
        self.current = Seat::pass_through();
        self.current.padding.clone_from(&self.microphone);
        self.step = Some(self.last);
        if let Some((_, blocks)) = &mut self.next {
            *blocks = (*blocks).max(LEARNING);
        }
    }

    fn lose_next(&mut self, cause: &str) {
        if let Some((seat, _)) = self.next.take()
            && let Some(kind) = seat.kind
        {
            // While it was being faded in, a part of it was heard.
            self.step = Some(self.last);
            self.fail(kind, cause);
        }
    }

    fn fail(&mut self, kind: Kind, cause: &str) {
        self.failures += 1;
        if self.failed.insert(kind) {
            tracing::warn!("the echo canceller {kind} is out of use until it is chosen again: {cause}");
        }
    }
}
