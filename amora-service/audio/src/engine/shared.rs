//! What the real-time thread and everybody else see at the same time, without a lock.

use crate::counters::Counters;
use crate::engine::SourceKind;
use amora_contract::state::Levels;
use amora_contract::units::Decibels;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) counters: Counters,
    /// Turns of the crank, with a card or without one.
    pub(crate) turns: AtomicU64,
    /// Linear gains as bits.
    pub(crate) volume: AtomicU32,
    pub(crate) music_gain: AtomicU32,
    pub(crate) mute: AtomicBool,
    /// The card is to be given away.
    pub(crate) release: AtomicBool,
    pub(crate) stop: AtomicBool,
    pub(crate) ended: AtomicBool,
    /// The thread has a card and turns it.
    pub(crate) running: AtomicBool,
    pub(crate) real_time: AtomicBool,
    /// One bit per kind that delivers frames.
    sounding: AtomicU32,
    ducking: AtomicU32,
    /// Greatest reduction, in decibels as bits, of this second and the last.
    limiting: AtomicU32,
    peaks: [AtomicU32; 2],
    squares: [AtomicU64; 2],
    frames: AtomicU64,
    reduction: AtomicU32,
}

/// The writing side's sums of squares, and the limiter's last seconds.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    squares: [f64; 2],
    frames: u64,
    second: u64,
    reductions: [f32; 2],
}

/// The reading side's last reading.
#[derive(Debug, Default)]
pub(crate) struct LastReading {
    squares: [f64; 2],
    frames: u64,
}

fn raise(value: &AtomicU32, to: f32) {
    // Floats that are not negative order as their bits do.
    value.fetch_max(to.to_bits(), Relaxed);
}

impl Shared {
    pub(crate) fn new() -> Self {
        let one = || AtomicU32::new(1f32.to_bits());
        Self {
            counters: Counters::default(),
            turns: AtomicU64::new(0),
            volume: one(),
            music_gain: one(),
            mute: AtomicBool::new(false),
            release: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            running: AtomicBool::new(false),
            real_time: AtomicBool::new(false),
            sounding: AtomicU32::new(0),
            ducking: AtomicU32::new(0),
            limiting: AtomicU32::new(0),
            peaks: [AtomicU32::new(0), AtomicU32::new(0)],
            squares: [AtomicU64::new(0), AtomicU64::new(0)],
            frames: AtomicU64::new(0),
            reduction: AtomicU32::new(0),
        }
    }

    /// The gain that the volume and muting together ask for.
    pub(crate) fn master(&self) -> f32 {
        if self.mute.load(Relaxed) {
            0.0
        } else {
            f32::from_bits(self.volume.load(Relaxed))
        }
    }

    pub(crate) fn report_sounding(&self, sounding: [bool; SourceKind::ALL.len()], ducking: Decibels) {
        let bits = (0..sounding.len()).fold(0, |bits, kind| bits | u32::from(sounding[kind]) << kind);
        self.sounding.store(bits, Relaxed);
        self.ducking.store(ducking.0.to_bits(), Relaxed);
    }

    pub(crate) fn sounding(&self) -> impl Iterator<Item = SourceKind> {
        let bits = self.sounding.load(Relaxed);
        SourceKind::ALL
            .into_iter()
            .filter(move |kind| bits >> (*kind as u32) & 1 == 1)
    }

    pub(crate) fn ducking(&self) -> Decibels {
        Decibels(f32::from_bits(self.ducking.load(Relaxed)))
    }

    /// The limiter's gain at its lowest within the last one to two seconds.
    pub(crate) fn limiting(&self) -> Decibels {
        Decibels(-f32::from_bits(self.limiting.load(Relaxed)))
    }

    /// Levels since `last`.
    pub(crate) fn levels(&self, last: &mut LastReading) -> Levels {
        let frames = self.frames.load(Relaxed);
        let elapsed = frames.saturating_sub(last.frames).max(1) as f64;
        let squares = [0, 1].map(|c| f64::from_bits(self.squares[c].load(Relaxed)));
        let rms = [0, 1].map(|c| {
            let mean = ((squares[c] - last.squares[c]) / elapsed).max(0.0);
            Decibels::from_linear(mean.sqrt() as f32)
        });
        *last = LastReading { squares, frames };
        Levels {
            peak: [0, 1].map(|c| Decibels::from_linear(f32::from_bits(self.peaks[c].swap(0, Relaxed)))),
            rms,
            limiting: Decibels(-f32::from_bits(self.reduction.swap(0, Relaxed))),
            ducking: self.ducking(),
        }
    }
}

impl Meter {
    /// Takes note of a period that left the card, with the limiter's lowest gain.
    pub(crate) fn observe(
        &mut self,
        shared: &Shared,
        output: &[f32],
        silent: bool,
        limiting: f32,
        rate: f64,
    ) {
        let frames = (output.len() / 2) as u64;
        if !silent {
            let mut peaks = [0f32; 2];
            let mut squares = [0f32; 2];
            for frame in output.chunks_exact(2) {
                for c in 0..2 {
                    peaks[c] = peaks[c].max(frame[c].abs());
                    squares[c] += frame[c] * frame[c];
                }
            }
            for c in 0..2 {
                raise(&shared.peaks[c], peaks[c]);
                self.squares[c] += f64::from(squares[c]);
                shared.squares[c].store(self.squares[c].to_bits(), Relaxed);
            }
        }
        self.frames += frames;
        shared.frames.store(self.frames, Relaxed);

        let reduction = if limiting < 1.0 {
            -20.0 * limiting.log10()
        } else {
            0.0
        };
        raise(&shared.reduction, reduction);
        let second = (self.frames as f64 / rate) as u64;
        if second != self.second {
            self.second = second;
            self.reductions = [0.0, self.reductions[0]];
        }
        self.reductions[0] = self.reductions[0].max(reduction);
        let worst = self.reductions[0].max(self.reductions[1]);
        shared.limiting.store(worst.to_bits(), Relaxed);
    }
}
