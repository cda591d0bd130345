//! The engine: one real-time thread turns the card's crank once per period; everybody else meets it at wait-free
//! rings and atomics.
//!
//! ```no_run
//! use amora_audio::card::null::NullSlot;
//! use amora_audio::engine::{Engine, EngineOptions, SourceKind};
//! use amora_contract::config::AudioConfig;
//!
//! let config = AudioConfig::default();
//! let slot = NullSlot::new(config.rate, config.period, config.periods);
//! let engine = Engine::start(Box::new(slot), EngineOptions::from_config(&config))?;
//! let mut speech = engine.source(SourceKind::Speech)?;
//! speech.push(&[0.0; 960]);
//! speech.end();
//! # Ok::<(), amora_audio::engine::EngineError>(())
//! ```

mod console;
mod crank;
mod shared;
pub(crate) mod source;
pub(crate) mod stream;
mod supervisor;
#[cfg(test)]
mod tests;
mod thread;

pub use console::{Console, assemble};
pub use crank::{Crank, MAX_TAPS, Mounted};
pub use source::{SourceKind, SourceWriter};
pub use stream::{Mark, Tap};

use crate::card::CardSlot;
use crate::clock;
use crate::music::MusicWriter;
use crate::music::fifo::FifoReader;
use amora_contract::config::{AudioConfig, DuckingConfig, MusicConfig};
use amora_contract::state::CardState;
use amora_contract::units::{Decibels, Hertz, Millis};
use console::guard;
use crank::Notice;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use supervisor::{Desk, Supervisor};

/// What the engine needs to know to start.
pub struct EngineOptions {
    /// Frames per second inside. A card that runs at another rate is refused.
    pub rate: Hertz,
    /// What can be changed later by [`Console::configure`].
    pub gains: Gains,
    /// Master gain at the start.
    pub volume: Decibels,
    /// Whether it starts silent.
    pub mute: bool,
    /// The music's path; its FIFO is read where one is named.
    pub music: MusicConfig,
    /// Waiting times between attempts to open the card.
    pub back_off: BackOff,
    /// Called first thing in the real-time thread: asks for real-time priority and says whether it was granted.
    pub thread_setup: Box<dyn FnOnce() -> bool + Send>,
}

impl EngineOptions {
    /// The options that a configuration asks for, without [`thread_setup`](Self::thread_setup).
    pub fn from_config(config: &AudioConfig) -> Self {
        Self {
            rate: config.rate,
            gains: Gains {
                limit: config.limit,
                ducking: config.ducking.clone(),
            },
            volume: config.volume.gain(),
            mute: false,
            music: config.music.clone(),
            back_off: BackOff::default(),
            thread_setup: Box::new(|| false),
        }
    }
}

impl std::fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineOptions")
            .field("rate", &self.rate)
            .field("gains", &self.gains)
            .field("music", &self.music)
            .finish_non_exhaustive()
    }
}

/// Limit and ducking.
#[derive(Debug, Clone, PartialEq)]
pub struct Gains {
    /// Highest level that may leave the engine, at most 0 dB.
    pub limit: Decibels,
    /// Turning down what is less important.
    pub ducking: DuckingConfig,
}

/// Waiting times between attempts to open the card: doubled from the first to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// After the first failure.
    pub first: Millis,
    /// At most.
    pub longest: Millis,
}

impl Default for BackOff {
    fn default() -> Self {
        Self {
            first: Millis(100),
            longest: Millis(5000),
        }
    }
}

/// What can go wrong with the engine's controls.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A thread could not be started.
    #[error("the sound thread can't be started: {0}")]
    Thread(#[source] std::io::Error),
    /// The music FIFO can't be used.
    #[error(transparent)]
    Fifo(#[from] crate::music::fifo::FifoError),
    /// There are as many as the engine takes.
    #[error("the sound engine has too many {0} already")]
    TooMany(&'static str),
    /// The engine was stopped.
    #[error("the sound engine has ended")]
    Ended,
}

/// What happened in the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineEvent {
    /// The card ran out of sound and goes on.
    Xrun {
        /// Xruns since the engine started.
        count: u64,
    },
    /// The card is lost and is being opened again.
    CardLost {
        /// Why, in plain words.
        cause: String,
    },
    /// The card could not be opened; it is tried again.
    CardUnavailable {
        /// Why, in plain words.
        cause: String,
    },
    /// The card is open.
    CardOpened {
        /// The device.
        device: String,
    },
    /// The card was closed because [`Engine::release`] asked for it.
    CardReleased,
    /// The limiter had to turn down by more than 6 dB.
    Limited {
        /// The gain when this was noticed.
        reduction: Decibels,
    },
}

/// Where the card is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CardPhase {
    /// It is being opened, for the first time or again.
    #[default]
    Opening,
    /// Sound flows.
    Running,
    /// It was given away by [`Engine::release`].
    Released,
}

/// The running engine; its controls are those of [`Console`]. Dropping it stops it.
#[derive(Debug)]
pub struct Engine {
    console: Arc<Console>,
    desk: Arc<Desk>,
    crank: Option<std::thread::JoinHandle<()>>,
    supervisor: Option<std::thread::JoinHandle<()>>,
    fifo: Option<FifoReader>,
    music: Mutex<Option<MusicWriter>>,
}

/// Longest that stopping waits for a thread that hangs in the card.
const STOP_PATIENCE: Duration = Duration::from_millis(450);

impl Engine {
    /// Starts the engine's threads. The card is opened in the background: a card that is away is no error.
    ///
    /// # Errors
    /// [`EngineError::Thread`], or [`EngineError::Fifo`] when the music FIFO named can't be used.
    pub fn start(slot: Box<dyn CardSlot>, options: EngineOptions) -> Result<Self, EngineError> {
        let (console, crank, music) = assemble(&options);
        let (fifo, music) = match &options.music.fifo {
            Some(path) => (Some(FifoReader::start(path, music, options.rate)?), None),
            None => (None, Some(music)),
        };
        let console = Arc::new(console);
        let (supervisor, desk, ends) =
            Supervisor::new(slot, options.rate, options.back_off, Arc::clone(&console));
        let supervisor = std::thread::Builder::new()
            .name("amora-card".to_owned())
            .spawn(move || supervisor.run())
            .map_err(EngineError::Thread)?;
        let mut engine = Self {
            console,
            desk,
            crank: None,
            supervisor: None,
            fifo,
            music: Mutex::new(music),
        };
        let waker = supervisor.thread().clone();
        engine.supervisor = Some(supervisor);
        let setup = options.thread_setup;
        let rate = options.rate;
        let thread = std::thread::Builder::new()
            .name("amora-sound".to_owned())
            .spawn(move || thread::run(crank, ends, waker, rate, setup))
            .map_err(EngineError::Thread)?;
        engine.crank = Some(thread);
        Ok(engine)
    }

    /// The controls, for others than the engine's owner. They outlive the engine: what is asked of them then has
    /// [`EngineError::Ended`] for an answer.
    pub fn console(&self) -> Arc<Console> {
        Arc::clone(&self.console)
    }

    /// Where music is written when no FIFO is named. It can be had once.
    pub fn music_writer(&self) -> Option<MusicWriter> {
        guard(&self.music).take()
    }

    /// Fades out and closes the card, so that another program can have it. Sources go on and nobody hears them.
    /// [`card_phase`](Self::card_phase) tells when it is done, some 100 ms later.
    pub fn release(&self) {
        self.console.shared.release.store(true, Relaxed);
        self.wake();
    }

    /// Takes the card back after [`release`](Self::release).
    pub fn resume(&self) {
        self.console.shared.release.store(false, Relaxed);
        self.wake();
    }

    /// Where the card is.
    pub fn card_phase(&self) -> CardPhase {
        guard(&self.desk.status).phase
    }

    /// The card as the state shows it.
    pub fn card_state(&self) -> CardState {
        let mut state = guard(&self.desk.status).card.clone();
        state.running = self.console.shared.running.load(Relaxed);
        state.real_time = self.console.shared.real_time.load(Relaxed);
        state
    }

    /// The state of card, mixer, music and counters.
    pub fn status(&self) -> EngineStatus {
        self.console.collect();
        EngineStatus {
            phase: self.card_phase(),
            card: self.card_state(),
            mixer: self.console.mixer_state(),
            music: self.console.music_state(),
            counters: self.console.counters(),
        }
    }

    /// The next thing that happened, if anything did. Up to some hundred are kept.
    pub fn poll_event(&self) -> Option<EngineEvent> {
        if let Ok(notice) = guard(&self.console.notices).pop() {
            return Some(match notice {
                Notice::Xrun { count } => EngineEvent::Xrun { count },
                Notice::Limited { reduction } => EngineEvent::Limited { reduction },
            });
        }
        guard(&self.desk.status).events.pop_front()
    }

    /// Fades out and stops, within half a second even when the card hangs.
    pub fn stop(mut self) {
        self.end();
    }

    fn wake(&self) {
        if let Some(supervisor) = &self.supervisor {
            supervisor.thread().unpark();
        }
    }

    fn end(&mut self) {
        let deadline = Instant::now() + STOP_PATIENCE;
        self.console.shared.stop.store(true, Relaxed);
        self.fifo = None;
        for (name, thread) in [("sound", self.crank.take()), ("card", self.supervisor.take())] {
            let Some(thread) = thread else { continue };
            thread.thread().unpark();
            while !thread.is_finished() && Instant::now() < deadline {
                clock::sleep_until(clock::now() + 2_000_000);
            }
            if thread.is_finished() {
                let _ = thread.join();
            } else {
                tracing::warn!("the {name} thread hangs in the card and is left behind");
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

impl std::ops::Deref for Engine {
    type Target = Console;

    fn deref(&self) -> &Console {
        &self.console
    }
}

/// The engine's state: what it contributes to [`AudioState`](amora_contract::state::AudioState).
#[derive(Debug, Clone, PartialEq)]
pub struct EngineStatus {
    /// Where the card is.
    pub phase: CardPhase,
    /// The card.
    pub card: CardState,
    /// What the mixer does.
    pub mixer: amora_contract::state::MixerState,
    /// How music flows.
    pub music: amora_contract::state::MusicState,
    /// What was counted since the engine started.
    pub counters: amora_contract::state::AudioCounters,
}
