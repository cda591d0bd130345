//! The sound section of the state.

use crate::units::{Decibels, Frames, Hertz, PartsPerMillion, Volume};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sound engine and its card. Levels are not here: they change too fast and have a stream of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AudioState {
    /// 0 to 100, for everything the box plays.
    pub volume: Volume,
    /// Silent for now.
    pub mute: bool,
    /// The card in use.
    pub card: CardState,
    /// Who has the card.
    pub owner: CardOwner,
    /// Whether exclusive mode is asked for.
    pub exclusive: bool,
    /// What the mixer is doing.
    pub mixer: MixerState,
    /// The path that music takes from MPD to the mixer.
    pub music: MusicState,
    /// What was counted since the engine started.
    pub counters: AudioCounters,
}

impl Default for AudioState {
    fn default() -> Self {
        Self {
            volume: Volume::MAX,
            mute: false,
            card: CardState::default(),
            owner: CardOwner::Engine,
            exclusive: false,
            mixer: MixerState::default(),
            music: MusicState::default(),
            counters: AudioCounters::default(),
        }
    }
}

/// The sound card.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CardState {
    /// `alsa`, `room` or `null`.
    pub kind: String,
    /// The device's name, for example `hw:CARD=IQaudIODAC`.
    pub device: String,
    /// The board's profile, for example `IQaudio DAC+`.
    pub profile: String,
    /// Whether sound is flowing.
    pub running: bool,
    /// Why not, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Frames per second, as negotiated.
    pub rate: Hertz,
    /// Sample format, as negotiated, for example `S32_LE`.
    pub format: String,
    /// Frames in a period, as negotiated.
    pub period: Frames,
    /// Frames in the card's buffer, as negotiated.
    pub buffer: Frames,
    /// Whether the card can record.
    pub capture: bool,
    /// Whether the thread runs with real-time priority.
    pub real_time: bool,
}

/// Who has the card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardOwner {
    /// The sound engine, as usual.
    #[default]
    Engine,
    /// The player, bit-perfect.
    Player,
    /// The engine asks for it back.
    Returning,
}

/// What the mixer is doing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MixerState {
    /// The sources that are sounding now, highest priority first.
    pub active: Vec<String>,
    /// How much music is turned down at present for something more important.
    pub ducking: Decibels,
    /// How much the limiter has turned down at most in the last second.
    pub limiting: Decibels,
}

/// The path that music takes from MPD to the mixer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MusicState {
    /// Whether a writer has the FIFO open and music arrives.
    pub flowing: bool,
    /// Frames waiting.
    pub fill: Frames,
    /// Frames that the controller tries to keep waiting.
    pub target: Frames,
    /// How far the music's clock runs from the card's.
    pub drift: PartsPerMillion,
}

/// What was counted since the engine started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AudioCounters {
    /// Periods handed to the card.
    pub periods: u64,
    /// Times the card ran out of sound.
    pub xruns: u64,
    /// Times the card had to be opened again.
    pub reopens: u64,
    /// Times a source that should sound had nothing to give.
    pub underruns: u64,
    /// Frames that a source had to drop because nobody took them.
    pub dropped: Frames,
    /// Periods in which the limiter worked.
    pub limited: u64,
    /// Times music was ducked.
    pub ducked: u64,
    /// How long the thread took per period: counts of periods up to 10, 20, 50, 100, 200, 500, 1000, 2000, 5000
    /// microseconds, and above.
    pub callback_microseconds: [u64; 10],
}

/// Momentary levels, for a meter. Published some 20 times a second on a stream of their own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Levels {
    /// Highest sample of each output channel, left and right, since the last reading.
    pub peak: [Decibels; 2],
    /// Mean level of each output channel since the last reading.
    pub rms: [Decibels; 2],
    /// Gain reduction by the limiter.
    pub limiting: Decibels,
    /// Gain reduction by the ducker.
    pub ducking: Decibels,
}
