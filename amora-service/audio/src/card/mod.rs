//! What turns numbers into sound: one trait, with a real card, a simulated room and nothing at all behind it.

pub mod alsa;

pub mod null;
pub(crate) mod pace;
pub mod room;

use amora_contract::units::{Frames, Hertz};

/// Output channels of every card: left and right. A mono board is given both.
pub const OUTPUT_CHANNELS: usize = 2;

/// Input channels handed to the engine. A stereo microphone is averaged by the card.
pub const INPUT_CHANNELS: usize = 1;

/// An open card. One call of [`Card::turn`] moves one period in each direction, at the pace of the card's own clock.
///
/// `turn` runs in the real-time thread: it must not allocate, lock, log or make any system call but the card's own.
pub trait Card: Send {
    /// What was negotiated when the card was opened.
    fn format(&self) -> &CardFormat;

    /// Waits until the card takes one more period, plays `output` and fills `input` with as much as was captured.
    ///
    /// `output` holds [`CardFormat::period`] frames of interleaved stereo, full scale ±1. `input` has room for at
    /// least one period of mono (the engine gives two, so that a microphone whose clock is faster does not pile
    /// up) and keeps its old contents where nothing was captured.
    ///
    /// # Errors
    /// [`CardError::Xrun`] when sound stopped and the card was set going again: this period was not played and the
    /// engine goes on. [`CardError::Gone`] and [`CardError::Broken`] when it must be opened anew.
    fn turn(&mut self, output: &[f32], input: &mut [f32]) -> Result<Turn, CardError>;
}

/// How a card can be had, now and again after it was lost.
pub trait CardSlot: Send {
    /// Opens the card. May allocate and wait.
    ///
    /// # Errors
    /// Why it could not be opened, in plain words.
    fn open(&mut self) -> Result<Box<dyn Card>, CardError>;

    /// The kind, as the state shows it: `alsa`, `room` or `null`.
    fn kind(&self) -> &'static str;

    /// The device's name, as the state shows it.
    fn device(&self) -> &str;

    /// The board's profile, as the state shows it.
    fn profile(&self) -> &str;
}

/// What was negotiated with a card.
#[derive(Debug, Clone, PartialEq)]
pub struct CardFormat {
    /// Frames per second.
    pub rate: Hertz,
    /// Frames handed over by one [`Card::turn`].
    pub period: Frames,
    /// Frames that the card's buffer holds.
    pub buffer: Frames,
    /// Sample format on the wire, in ALSA's words, for example `S32_LE`.
    pub sample_format: &'static str,
    /// Whether [`Card::turn`] captures.
    pub capture: bool,
}

/// What one turn did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// Frames captured into `input`.
    pub captured: Frames,
    /// Frames written but not yet played, the period just written included: ALSA's `delay`.
    pub playback_delay: Frames,
    /// Frames captured but not yet handed over: ALSA's capture `delay`.
    pub capture_delay: Frames,
    /// When the delays were read, on the card's monotonic clock (virtual in a room that runs freely).
    pub nanoseconds: u64,
}

/// What can go wrong with a card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Sound stopped because a period came too late; the card is going again.
    #[error("the card ran out of sound")]
    Xrun,
    /// There is no such card, or it was unplugged.
    #[error("the card is not there: {0}")]
    Gone(String),
    /// Another program has the card.
    #[error("the card is in use by another program: {0}")]
    Busy(String),
    /// The card can't do what is asked of it; trying again will not help.
    #[error("the card can't be set up: {0}")]
    Unsupported(String),
    /// The driver reported an error.
    #[error("the card failed: {0}")]
    Broken(String),
}
