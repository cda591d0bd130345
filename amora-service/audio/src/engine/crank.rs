//! What the real-time thread does once per period. No allocation, no lock, no log, no system call but the card's.

use super::Gains;
use super::shared::{Meter, Shared};
use super::stream::{Mark, TapSender};
use crate::card::{Card, CardError, INPUT_CHANNELS, OUTPUT_CHANNELS, Turn};
use crate::clock;
use crate::mixer::{Input, Mixed, Mixer};
use amora_contract::units::{Decibels, Frames};
use rtrb::{Consumer, Producer};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Most taps, and most microphones, at one time.
pub const MAX_TAPS: usize = 16;

/// A limiter that works this hard is worth an event.
const REMARKABLE_REDUCTION: f32 = 6.0;

/// Orders to the real-time thread. What is boxed was allocated by the one who orders.
#[derive(Debug)]
pub(crate) enum Order {
    Add(Box<Input>),
    Tap(Box<TapSender>),
    Microphone(Box<TapSender>),
    Configure(Gains),
}

/// What the real-time thread gives back to be freed elsewhere.
#[derive(Debug)]
pub(crate) enum Waste {
    Input(#[allow(dead_code)] Box<Input>),
    Tap(#[allow(dead_code)] Box<TapSender>),
}

/// What the real-time thread tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Notice {
    Xrun { count: u64 },
    Limited { reduction: Decibels },
}

/// An open card with the memory that turning it takes.
pub struct Mounted {
    card: Box<dyn Card>,
    output: Vec<f32>,
    input: Vec<f32>,
    /// The period in `output` was not played yet.
    unplayed: bool,
}

impl Mounted {
    /// Makes a card ready to be turned.
    pub fn new(card: Box<dyn Card>) -> Self {
        let period = card.format().period.0.max(1) as usize;
        Self {
            card,
            output: vec![0.0; period * OUTPUT_CHANNELS],
            // Twice a period: a microphone whose clock is faster than the card's does not pile up.
            input: vec![0.0; 2 * period * INPUT_CHANNELS],
            unplayed: false,
        }
    }

    pub(crate) fn buffer(&self) -> Frames {
        self.card.format().buffer
    }
}

impl std::fmt::Debug for Mounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mounted")
            .field("format", self.card.format())
            .finish_non_exhaustive()
    }
}

/// The engine without its thread. Turned by hand it runs simulated hours in seconds, on a card with a virtual clock.
#[derive(Debug)]
pub struct Crank {
    pub(crate) mixer: Mixer,
    pub(crate) shared: Arc<Shared>,
    pub(crate) orders: Consumer<Order>,
    pub(crate) waste: Producer<Waste>,
    pub(crate) notices: Producer<Notice>,
    // Boxed for the same reason as the mixer's inputs.
    #[allow(clippy::vec_box)]
    pub(crate) taps: Vec<Box<TapSender>>,
    #[allow(clippy::vec_box)]
    pub(crate) microphones: Vec<Box<TapSender>>,
    pub(crate) meter: Meter,
    pub(crate) written: u64,
    pub(crate) captured: u64,
    /// The volume goes down to nothing, whatever it is set to.
    pub(crate) closing: bool,
    pub(crate) remarked: bool,
}

impl Crank {
    /// Plays one period. `now` is the computer's time in nanoseconds, by which the music's writer goes as well.
    ///
    /// # Errors
    /// Those of [`Card::turn`]. After an xrun the same period is played again by the next call, so no frame of the
    /// programme is lost.
    pub fn turn(&mut self, mounted: &mut Mounted, now: u64) -> Result<Turn, CardError> {
        let started = clock::now();
        self.obey();
        let mixed = if mounted.unplayed {
            None
        } else {
            Some(self.mix(&mut mounted.output, now))
        };
        let prepared = clock::now();

        let turn = mounted.card.turn(&mounted.output, &mut mounted.input);

        let resumed = clock::now();
        mounted.unplayed = turn.is_err();
        match &turn {
            Ok(turn) => self.deliver(mounted, *turn),
            Err(CardError::Xrun) => {
                let count = self.shared.counters.xruns.fetch_add(1, Relaxed) + 1;
                let _ = self.notices.push(Notice::Xrun { count });
            }
            Err(_) => {}
        }
        if let Some(mixed) = mixed {
            self.account(&mounted.output, mixed);
        }
        self.clear_away();
        let work = (prepared - started) + clock::now().saturating_sub(resumed);
        self.shared.counters.callback(Duration::from_nanos(work));
        self.shared.turns.fetch_add(1, Relaxed);
        turn
    }

    /// Lets one period pass without a card: sources go on and nobody hears them, so that nothing stale waits for
    /// the card's return.
    pub(crate) fn pass(&mut self, output: &mut [f32], now: u64) {
        self.obey();
        let mixed = self.mix(output, now);
        self.shared.counters.underruns.fetch_add(mixed.underruns, Relaxed);
        self.clear_away();
        self.shared.turns.fetch_add(1, Relaxed);
    }

    /// A card is there anew: it begins from silence.
    pub(crate) fn begin(&mut self) {
        self.closing = false;
        self.mixer.restart();
    }

    /// Whether nothing but silence is handed to the card any more.
    pub(crate) fn has_closed(&self) -> bool {
        self.closing && self.mixer.has_faded_out()
    }

    fn obey(&mut self) {
        while let Ok(order) = self.orders.pop() {
            let refused = match order {
                Order::Add(input) => self.mixer.add(input).err().map(Waste::Input),
                Order::Tap(sender) => add(&mut self.taps, sender),
                Order::Microphone(sender) => add(&mut self.microphones, sender),
                Order::Configure(gains) => {
                    self.mixer.set_limit(gains.limit);
                    self.mixer.set_ducking(&gains.ducking);
                    None
                }
            };
            if let Some(refused) = refused {
                let _ = self.waste.push(refused);
            }
        }
        let master = if self.closing { 0.0 } else { self.shared.master() };
        self.mixer.set_volume(master);
        self.mixer
            .set_music_gain(f32::from_bits(self.shared.music_gain.load(Relaxed)));
    }

    fn mix(&mut self, output: &mut [f32], now: u64) -> Mixed {
        let mixed = self.mixer.process(output, now);
        self.shared.report_sounding(mixed.sounding, self.mixer.ducking());
        mixed
    }

    fn deliver(&mut self, mounted: &Mounted, turn: Turn) {
        let frames = mounted.output.len() / OUTPUT_CHANNELS;
        let position = self.written;
        self.written += frames as u64;
        let counters = &self.shared.counters;
        counters.periods.fetch_add(1, Relaxed);
        let played = Mark {
            position,
            frames,
            written: self.written,
            turn,
        };
        let mut dropped = 0;
        for tap in &mut self.taps {
            dropped += tap.send(&mounted.output, played);
        }
        let captured = (turn.captured.0 as usize).min(mounted.input.len() / INPUT_CHANNELS);
        let heard = Mark {
            position: self.captured,
            frames: captured,
            ..played
        };
        self.captured += captured as u64;
        for microphone in &mut self.microphones {
            dropped += microphone.send(&mounted.input[..captured * INPUT_CHANNELS], heard);
        }
        counters.dropped.fetch_add(dropped as u64, Relaxed);
    }

    fn account(&mut self, output: &[f32], mixed: Mixed) {
        let counters = &self.shared.counters;
        counters.underruns.fetch_add(mixed.underruns, Relaxed);
        counters.ducked.fetch_add(mixed.ducked, Relaxed);
        counters
            .limited
            .fetch_add(u64::from(mixed.limiting < 1.0), Relaxed);
        self.meter.observe(
            &self.shared,
            output,
            mixed.silent,
            mixed.limiting,
            self.mixer.rate(),
        );
        let reduction = Decibels::from_linear(mixed.limiting);
        if -reduction.0 > REMARKABLE_REDUCTION && !self.remarked {
            self.remarked = true;
            let _ = self.notices.push(Notice::Limited { reduction });
        } else if mixed.limiting == 1.0 {
            self.remarked = false;
        }
    }

    /// Sends one finished source or forsaken tap away to be freed.
    fn clear_away(&mut self) {
        if self.waste.slots() < 3 {
            return;
        }
        if let Some(input) = self.mixer.take_finished() {
            let _ = self.waste.push(Waste::Input(input));
        }
        for taps in [&mut self.taps, &mut self.microphones] {
            if let Some(index) = taps.iter().position(|tap| tap.is_abandoned()) {
                let _ = self.waste.push(Waste::Tap(taps.swap_remove(index)));
            }
        }
    }
}

#[allow(clippy::vec_box)]
fn add(taps: &mut Vec<Box<TapSender>>, sender: Box<TapSender>) -> Option<Waste> {
    if taps.len() == MAX_TAPS {
        return Some(Waste::Tap(sender));
    }
    taps.push(sender);
    None
}
