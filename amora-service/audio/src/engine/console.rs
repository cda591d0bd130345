//! The engine's controls.

use super::crank::{Crank, MAX_TAPS, Notice, Order, Waste};
use super::shared::{LastReading, Meter, Shared};
use super::source::{SourceKind, SourceWriter, source};
use super::stream::{Tap, stream};
use super::{EngineError, EngineOptions, Gains};
use crate::card::{INPUT_CHANNELS, OUTPUT_CHANNELS};
use crate::mixer::{Input, MAX_SOURCES, Mixer, gain_factor};
use crate::music::{self, MusicGauge, MusicWriter};
use amora_contract::state::{AudioCounters, Levels, MixerState, MusicState};
use amora_contract::units::{Decibels, Frames, Hertz, Millis};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Orders that may wait for the real-time thread, which looks every few milliseconds.
const ORDERS: usize = 64;

/// Everything that could be given back at once.
const WASTE: usize = 2 * (MAX_SOURCES + 2 * MAX_TAPS) + ORDERS;

/// The engine's controls: sources, taps, gains and readings. Every method may be called from any thread.
#[derive(Debug)]
pub struct Console {
    pub(crate) shared: Arc<Shared>,
    rate: Hertz,
    gauge: MusicGauge,
    orders: Mutex<Orders>,
    pub(crate) notices: Mutex<Consumer<Notice>>,
    last_reading: Mutex<LastReading>,
}

#[derive(Debug)]
struct Orders {
    orders: Producer<Order>,
    waste: Consumer<Waste>,
    sources: usize,
    taps: usize,
    microphones: usize,
}

pub(crate) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole after every statement, so a panic elsewhere spoils nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds an engine without a thread: its controls, the part to turn by hand, and where music is written.
pub fn assemble(options: &EngineOptions) -> (Console, Crank, MusicWriter) {
    let shared = Arc::new(Shared::new());
    let (orders_in, orders_out) = RingBuffer::new(ORDERS);
    let (waste_in, waste_out) = RingBuffer::new(WASTE);
    let (notices_in, notices_out) = RingBuffer::new(256);
    let (writer, player) = music::channel(&options.music, options.rate);
    let console = Console {
        shared: Arc::clone(&shared),
        rate: options.rate,
        gauge: writer.gauge(),
        orders: Mutex::new(Orders {
            orders: orders_in,
            waste: waste_out,
            sources: 0,
            taps: 0,
            microphones: 0,
        }),
        notices: Mutex::new(notices_out),
        last_reading: Mutex::default(),
    };
    console.set_volume(options.volume);
    console.set_mute(options.mute);
    let crank = Crank {
        mixer: Mixer::new(
            options.rate.0,
            options.gains.limit,
            &options.gains.ducking,
            Some(player),
        ),
        shared,
        orders: orders_out,
        waste: waste_in,
        notices: notices_in,
        taps: Vec::with_capacity(MAX_TAPS),
        microphones: Vec::with_capacity(MAX_TAPS),
        meter: Meter::default(),
        written: 0,
        captured: 0,
        closing: false,
        remarked: false,
    };
    (console, crank, writer)
}

impl Console {
    /// Frames per second of everything written to and read from the engine.
    pub fn rate(&self) -> Hertz {
        self.rate
    }

    /// A new source with room for one second, which starts once 20 ms wait. See [`Console::source_with`].
    ///
    /// # Errors
    /// [`EngineError::TooMany`] when there are 32 already.
    pub fn source(&self, kind: SourceKind) -> Result<SourceWriter, EngineError> {
        self.source_with(kind, Millis(1000), Millis(20))
    }

    /// A new source with room for `capacity`, which starts, and starts again after running dry, once `prefill`
    /// waits. There may be several of one kind. Dropping the writer plays what waits and removes the source.
    ///
    /// # Errors
    /// [`EngineError::TooMany`] when there are 32 already.
    pub fn source_with(
        &self,
        kind: SourceKind,
        capacity: Millis,
        prefill: Millis,
    ) -> Result<SourceWriter, EngineError> {
        let (end, writer) = source(kind, capacity.frames(self.rate), prefill.frames(self.rate));
        let input = Box::new(Input::new(end, self.rate.0));
        let mut orders = self.orders();
        if orders.sources == MAX_SOURCES {
            return Err(EngineError::TooMany("sources"));
        }
        orders.send(Order::Add(input))?;
        orders.sources += 1;
        Ok(writer)
    }

    /// Everything that leaves the card from now on, behind the limiter, interleaved stereo; one second is kept for
    /// a slow reader. There may be several. Dropping a tap removes it.
    ///
    /// # Errors
    /// [`EngineError::TooMany`] when there are [`MAX_TAPS`] already.
    pub fn tap(&self) -> Result<Tap, EngineError> {
        let (sender, tap) = stream(OUTPUT_CHANNELS, Frames(self.rate.0 as u64));
        let mut orders = self.orders();
        if orders.taps == MAX_TAPS {
            return Err(EngineError::TooMany("taps"));
        }
        orders.send(Order::Tap(Box::new(sender)))?;
        orders.taps += 1;
        Ok(tap)
    }

    /// Everything that is captured from now on, mono; one second is kept for a slow reader. Each [`super::Mark`]
    /// says which frame of a [`tap`](Self::tap) was leaving the card meanwhile. Nothing comes where the card can't
    /// capture. There may be several.
    ///
    /// # Errors
    /// [`EngineError::TooMany`] when there are [`MAX_TAPS`] already.
    pub fn microphone(&self) -> Result<Tap, EngineError> {
        let (sender, tap) = stream(INPUT_CHANNELS, Frames(self.rate.0 as u64));
        let mut orders = self.orders();
        if orders.microphones == MAX_TAPS {
            return Err(EngineError::TooMany("microphones"));
        }
        orders.send(Order::Microphone(Box::new(sender)))?;
        orders.microphones += 1;
        Ok(tap)
    }

    /// Sets the master gain, ramped: minus infinity is silence, at most +12 dB. See
    /// [`Volume::gain`](amora_contract::units::Volume::gain).
    pub fn set_volume(&self, gain: Decibels) {
        self.shared.volume.store(gain_factor(gain).to_bits(), Relaxed);
    }

    /// Silences everything, ramped, or lets it be heard again.
    pub fn set_mute(&self, mute: bool) {
        self.shared.mute.store(mute, Relaxed);
    }

    /// Sets the gain of the music, ramped.
    pub fn set_music_gain(&self, gain: Decibels) {
        self.shared.music_gain.store(gain_factor(gain).to_bits(), Relaxed);
    }

    /// Changes limit and ducking.
    ///
    /// # Errors
    /// [`EngineError::Ended`] when nobody turns the engine any more.
    pub fn configure(&self, gains: Gains) -> Result<(), EngineError> {
        self.orders().send(Order::Configure(gains))
    }

    /// What the mixer does.
    pub fn mixer_state(&self) -> MixerState {
        MixerState {
            active: self
                .shared
                .sounding()
                .map(|kind| kind.name().to_owned())
                .collect(),
            ducking: self.shared.ducking(),
            limiting: self.shared.limiting(),
        }
    }

    /// Whether a source of `kind` delivers frames now.
    pub fn is_sounding(&self, kind: SourceKind) -> bool {
        self.shared.sounding().any(|sounding| sounding == kind)
    }

    /// How music flows.
    pub fn music_state(&self) -> MusicState {
        self.gauge.state()
    }

    /// What was counted since the engine started.
    pub fn counters(&self) -> AudioCounters {
        self.shared.counters.snapshot()
    }

    /// How long the engine's thread took for its last period, the wait for the card left out.
    pub fn last_callback(&self) -> Duration {
        self.shared.counters.last_callback()
    }

    /// Turns of the engine's thread, with a card or without one: stands still when the thread hangs. For a watchdog.
    pub fn turns(&self) -> u64 {
        self.shared.turns.load(Relaxed)
    }

    /// Levels since the last call. They have one reader; a second would take the first one's peaks.
    pub fn levels(&self) -> Levels {
        self.shared.levels(&mut guard(&self.last_reading))
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        let mut orders = guard(&self.orders);
        orders.collect();
        orders
    }

    /// Every lock of the controls, held until dropped.
    #[cfg(test)]
    pub(crate) fn hold_locks(&self) -> impl Drop + '_ {
        struct Held<'a>(
            #[allow(dead_code)] MutexGuard<'a, Orders>,
            #[allow(dead_code)] MutexGuard<'a, LastReading>,
        );
        impl Drop for Held<'_> {
            fn drop(&mut self) {}
        }
        Held(guard(&self.orders), guard(&self.last_reading))
    }

    /// Frees what the real-time thread gave back.
    pub(crate) fn collect(&self) {
        guard(&self.orders).collect();
    }
}

impl Orders {
    fn send(&mut self, order: Order) -> Result<(), EngineError> {
        if self.orders.is_abandoned() {
            return Err(EngineError::Ended);
        }
        self.orders
            .push(order)
            .map_err(|_| EngineError::TooMany("orders"))
    }

    fn collect(&mut self) {
        while let Ok(waste) = self.waste.pop() {
            match waste {
                Waste::Input(_) => self.sources -= 1,
                Waste::Tap(tap) if tap.channels() == OUTPUT_CHANNELS => self.taps -= 1,
                Waste::Tap(_) => self.microphones -= 1,
            }
        }
    }
}
