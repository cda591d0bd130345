//! A simulated room: a loudspeaker, the way to a microphone, and the clocks of both.
//!
//! The card plays through one loudspeaker (the mean of both channels) that bends what is too loud. Its sound
//! reaches the microphone along a direct path and a seeded, exponentially decaying reverberation; noise and whatever
//! a test says into the room ([`Room::say`]) are added. The microphone's clock may run differently from the
//! card's, and the card's from the computer's. The card can run in real time or on a virtual clock, and it can be
//! made to fail on purpose.

mod echo;
mod microphone;
#[cfg(test)]
mod tests;

use super::pace::Pacer;
use super::{Card, CardError, CardFormat, CardSlot, Turn};
use amora_contract::config::RoomConfig;
use amora_contract::units::{Decibels, Frames, Hertz, PartsPerMillion};
pub(crate) use echo::{EchoPath, response};
use microphone::Microphone;
pub(crate) use microphone::Random;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Room for what is said into the room before it is heard: ten seconds at 48 kHz.
const TALKER_CAPACITY: usize = 480_000;

/// How the room's time passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// By the computer's clock.
    #[default]
    RealTime,
    /// As fast as periods are handed over, on a clock of its own that starts at zero.
    Free,
}

/// What a test may do to the room while it is in use.
#[derive(Debug)]
struct Switches {
    xruns: AtomicU32,
    unplugged: AtomicBool,
    busy: AtomicBool,
    stall: AtomicU64,
    /// Drift of the card in ppm as bits.
    drift: AtomicU64,
    /// The virtual clock when the card last turned.
    now: AtomicU64,
    talker: Mutex<Producer<f32>>,
    open: AtomicBool,
}

/// The room's slot.
#[derive(Debug)]
pub struct RoomSlot {
    config: RoomConfig,
    format: CardFormat,
    pace: Pace,
    switches: Arc<Switches>,
    talker: Arc<Mutex<Option<Consumer<f32>>>>,
}

/// What a test holds of the room: it speaks into it and makes it fail.
#[derive(Debug, Clone)]
pub struct Room {
    switches: Arc<Switches>,
}

impl RoomSlot {
    /// A room whose card has this rate, period and number of periods in its buffer.
    pub fn new(config: &RoomConfig, rate: Hertz, period: Frames, periods: u32, pace: Pace) -> Self {
        let period = Frames(period.0.max(1));
        let (producer, consumer) = RingBuffer::new(TALKER_CAPACITY);
        Self {
            config: config.clone(),
            format: CardFormat {
                rate,
                period,
                buffer: Frames(period.0 * u64::from(periods.max(2))),
                sample_format: "FLOAT_LE",
                capture: true,
            },
            pace,
            switches: Arc::new(Switches {
                xruns: AtomicU32::new(0),
                unplugged: AtomicBool::new(false),
                busy: AtomicBool::new(false),
                stall: AtomicU64::new(0),
                drift: AtomicU64::new(config.drift.0.to_bits()),
                now: AtomicU64::new(0),
                talker: Mutex::new(producer),
                open: AtomicBool::new(false),
            }),
            talker: Arc::new(Mutex::new(Some(consumer))),
        }
    }

    /// The room's other side.
    pub fn room(&self) -> Room {
        Room {
            switches: Arc::clone(&self.switches),
        }
    }
}

impl CardSlot for RoomSlot {
    fn open(&mut self) -> Result<Box<dyn Card>, CardError> {
        if self.switches.unplugged.load(Relaxed) {
            return Err(CardError::Gone("the room was unplugged".to_owned()));
        }
        if self.switches.busy.load(Relaxed) {
            return Err(CardError::Busy("somebody else is in the room".to_owned()));
        }
        let talker = self.talker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(talker) = talker else {
            return Err(CardError::Busy("the room's card is open already".to_owned()));
        };
        self.switches.open.store(true, Relaxed);
        let drift = f64::from_bits(self.switches.drift.load(Relaxed));
        let (rate, buffer) = (self.format.rate, self.format.buffer);
        let pacer = match self.pace {
            Pace::RealTime => Pacer::real_time(rate, PartsPerMillion(drift), buffer),
            Pace::Free => Pacer::virtual_time(
                rate,
                PartsPerMillion(drift),
                buffer,
                self.switches.now.load(Relaxed),
            ),
        };
        let period = self.format.period.0 as usize;
        let clipping = self.config.loudspeaker_clipping.to_linear();
        Ok(Box::new(RoomCard {
            format: self.format.clone(),
            pacer,
            drift,
            loudspeaker: vec![0.0; period],
            knee: if clipping.is_nan() { 1.0 } else { clipping },
            echo: EchoPath::new(&response(&self.config, rate), period),
            microphone: Microphone::new(&self.config, buffer.0 as usize + 2 * period),
            talker: Some(talker),
            talker_home: Arc::clone(&self.talker),
            switches: Arc::clone(&self.switches),
            gone: Some(CardError::Gone("the room was unplugged".to_owned())),
        }))
    }

    fn kind(&self) -> &'static str {
        "room"
    }

    fn device(&self) -> &str {
        "room"
    }

    fn profile(&self) -> &str {
        "simulated room"
    }
}

impl Room {
    /// Says mono samples at the microphone's rate into the room: they are added to what the microphone hears from
    /// now on. Returns how many there was room for.
    pub fn say(&self, samples: &[f32]) -> usize {
        let mut talker = self.talker();
        let frames = samples.len().min(talker.slots());
        let _ = talker.push_entire_slice(&samples[..frames]);
        frames
    }

    /// Samples said that nobody has heard yet.
    pub fn unheard(&self) -> usize {
        TALKER_CAPACITY - self.talker().slots()
    }

    fn talker(&self) -> MutexGuard<'_, Producer<f32>> {
        let talker = &self.switches.talker;
        talker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next `count` turns fail as xruns.
    pub fn cause_xruns(&self, count: u32) {
        self.switches.xruns.fetch_add(count, Relaxed);
    }

    /// Unplugs the card, or plugs it in again.
    pub fn set_unplugged(&self, unplugged: bool) {
        self.switches.unplugged.store(unplugged, Relaxed);
    }

    /// Lets another program have the card the next time it is opened, or have it no longer.
    pub fn set_busy(&self, busy: bool) {
        self.switches.busy.store(busy, Relaxed);
    }

    /// Makes the next turn hang for this long.
    pub fn stall(&self, duration: std::time::Duration) {
        self.switches.stall.store(duration.as_nanos() as u64, Relaxed);
    }

    /// Changes the drift of the card's clock against the computer's from the next turn on.
    pub fn set_drift(&self, drift: PartsPerMillion) {
        self.switches.drift.store(drift.0.to_bits(), Relaxed);
    }

    /// Whether somebody has the card open.
    pub fn is_open(&self) -> bool {
        self.switches.open.load(Relaxed)
    }

    /// The card's clock, in nanoseconds, when it last turned.
    pub fn now(&self) -> u64 {
        self.switches.now.load(Relaxed)
    }
}

struct RoomCard {
    format: CardFormat,
    pacer: Pacer,
    drift: f64,
    loudspeaker: Vec<f32>,
    knee: f32,
    echo: EchoPath,
    microphone: Microphone,
    /// Present while the card is open; given back for the next opening.
    talker: Option<Consumer<f32>>,
    talker_home: Arc<Mutex<Option<Consumer<f32>>>>,
    switches: Arc<Switches>,
    /// Made beforehand: a turn must not allocate, not even to fail.
    gone: Option<CardError>,
}

impl Card for RoomCard {
    fn format(&self) -> &CardFormat {
        &self.format
    }

    fn turn(&mut self, output: &[f32], input: &mut [f32]) -> Result<Turn, CardError> {
        self.obey()?;
        let pace = self.pacer.write(self.format.period).inspect_err(|_| {
            self.microphone.restart();
        })?;
        self.switches.now.store(pace.nanoseconds, Relaxed);
        for (sample, frame) in self.loudspeaker.iter_mut().zip(output.chunks_exact(2)) {
            *sample = bend((frame[0] + frame[1]) / 2.0, self.knee);
        }
        self.echo.process(&mut self.loudspeaker);
        self.microphone.hear(&self.loudspeaker);
        let captured = self.microphone.capture(pace.delay.0, input, self.talker.as_mut());
        Ok(Turn {
            captured: Frames(captured as u64),
            playback_delay: pace.delay,
            capture_delay: Frames(self.microphone.backlog(pace.delay.0)),
            nanoseconds: pace.nanoseconds,
        })
    }
}

impl RoomCard {
    fn obey(&mut self) -> Result<(), CardError> {
        let stall = self.switches.stall.swap(0, Relaxed);
        if stall > 0 {
            self.pacer.stall(stall);
        }
        let drift = f64::from_bits(self.switches.drift.load(Relaxed));
        if drift != self.drift {
            self.drift = drift;
            self.pacer.set_drift(self.format.rate, PartsPerMillion(drift));
        }
        if self.switches.unplugged.load(Relaxed) {
            return Err(self.gone.take().unwrap_or(CardError::Gone(String::new())));
        }
        let fewer = |xruns: u32| xruns.checked_sub(1);
        if self.switches.xruns.fetch_update(Relaxed, Relaxed, fewer).is_ok() {
            self.pacer.restart();
            self.microphone.restart();
            return Err(CardError::Xrun);
        }
        Ok(())
    }
}

impl Drop for RoomCard {
    fn drop(&mut self) {
        let mut home = self.talker_home.lock().unwrap_or_else(PoisonError::into_inner);
        *home = self.talker.take();
        self.switches.open.store(false, Relaxed);
    }
}

/// What a loudspeaker makes of a sample: true up to the knee, then bent smoothly towards 2 dB above it.
pub(crate) fn bend(sample: f32, knee: f32) -> f32 {
    let size = sample.abs();
    if size <= knee {
        return sample;
    }
    let room = knee * (Decibels(2.0).to_linear() - 1.0);
    (knee + room * ((size - knee) / room).tanh()).copysign(sample)
}
