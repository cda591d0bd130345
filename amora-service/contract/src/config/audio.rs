//! The sound card and the mixer.

use crate::units::{Decibels, Frames, Hertz, Millis, PartsPerMillion, Volume};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The sound card and the mixer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AudioConfig {
    /// Which kind of card drives the sound.
    pub card: CardKind,
    /// ALSA device, for example `hw:CARD=IQaudIODAC`; a card by its number or by a part of its name, the first that
    /// can play; or `auto`: the first card whose profile is known, then the first that can play.
    pub device: String,
    /// ALSA device to record from, or a card as in `device`; `auto` is the playing card where its board can record,
    /// `none` is off.
    pub capture_device: String,
    /// The board: `auto` by the card's name, or a profile's name.
    pub profile: String,
    /// Frames per second asked of the card.
    #[schemars(extend("minimum" = 8000, "maximum" = 192_000, "x-remote" = true))]
    pub rate: Hertz,
    /// Frames in a period. 240 frames are 5 ms.
    #[schemars(extend("minimum" = 16, "maximum" = 8192, "x-remote" = true))]
    pub period: Frames,
    /// Periods in the card's buffer.
    #[schemars(range(min = 2, max = 32), extend("x-remote" = true))]
    pub periods: u32,
    /// Memory-mapped transfer, read/write, or whichever the card allows.
    #[schemars(extend("x-remote" = true))]
    pub access: Access,
    /// Volume at the first start; afterwards the box remembers the one last set.
    pub volume: Volume,
    /// Highest level that may leave the box.
    #[schemars(extend("minimum" = -60, "maximum" = 0, "x-remote" = true))]
    pub limit: Decibels,
    /// Give the card to the player, bit-perfect, while nothing else needs it.
    #[schemars(extend("x-remote" = true))]
    pub exclusive: bool,
    /// Chime when the box is ready.
    #[schemars(extend("x-remote" = true))]
    pub ready_chime: bool,
    /// Real-time priority of the sound thread, 1 to 99; 0 asks for none.
    #[schemars(range(max = 99))]
    pub real_time_priority: u8,
    /// Turning down what is less important while something more important sounds.
    pub ducking: DuckingConfig,
    /// The path that music takes from MPD to the mixer.
    pub music: MusicConfig,
    /// The simulated room, for the `room` card.
    pub room: RoomConfig,
    /// Write everything that leaves the card to this WAV file (a test's microphone on the loudspeaker wire).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorder: Option<PathBuf>,
}

impl Default for AudioConfig {
    fn default() -> Self {
        Self {
            card: CardKind::Auto,
            device: "auto".to_owned(),
            capture_device: "auto".to_owned(),
            profile: "auto".to_owned(),
            rate: Hertz(48_000.0),
            period: Frames(240),
            periods: 3,
            access: Access::Auto,
            volume: Volume::clamped(80.0),
            limit: Decibels(-1.0),
            exclusive: false,
            ready_chime: true,
            real_time_priority: 70,
            ducking: DuckingConfig::default(),
            music: MusicConfig::default(),
            room: RoomConfig::default(),
            recorder: None,
        }
    }
}

/// Kinds of card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// ALSA where there is a card, otherwise the simulated room.
    #[default]
    Auto,
    /// A real card, through ALSA.
    Alsa,
    /// A simulated room on a virtual clock.
    Room,
    /// No sound at all.
    Null,
}

/// Ways to hand frames to the card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Memory-mapped where the card allows it.
    #[default]
    Auto,
    /// Memory-mapped.
    Mmap,
    /// Read/write.
    ReadWrite,
}

/// Ducking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DuckingConfig {
    /// Gain of what is ducked.
    #[schemars(extend("minimum" = -60, "maximum" = 0, "x-remote" = true))]
    pub gain: Decibels,
    /// Ramp down.
    #[schemars(extend("minimum" = 1, "maximum" = 10_000, "x-remote" = true))]
    pub attack: Millis,
    /// Wait after the last important sound.
    #[schemars(extend("minimum" = 0, "maximum" = 60_000, "x-remote" = true))]
    pub hold: Millis,
    /// Ramp up.
    #[schemars(extend("minimum" = 1, "maximum" = 60_000, "x-remote" = true))]
    pub release: Millis,
}

impl Default for DuckingConfig {
    fn default() -> Self {
        Self {
            gain: Decibels(-18.0),
            attack: Millis(30),
            hold: Millis(400),
            release: Millis(300),
        }
    }
}

/// The path that music takes from MPD to the mixer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MusicConfig {
    /// The FIFO that MPD or PipeWire writes interleaved 32-bit float stereo into, at the engine's rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fifo: Option<PathBuf>,
    /// How much music is kept waiting to bridge the writer's unevenness.
    #[schemars(extend("minimum" = 20, "maximum" = 5_000, "x-remote" = true))]
    pub latency: Millis,
}

impl Default for MusicConfig {
    fn default() -> Self {
        Self {
            fifo: None,
            latency: Millis(200),
        }
    }
}

/// The simulated room: a loudspeaker, an echo path and a microphone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoomConfig {
    /// Seed of everything random in the room.
    pub seed: u64,
    /// How far the card's clock runs from the computer's.
    #[schemars(extend("minimum" = -1000, "maximum" = 1000))]
    pub drift: PartsPerMillion,
    /// How far the microphone's clock runs from the loudspeaker's.
    #[schemars(extend("minimum" = -1000, "maximum" = 1000))]
    pub capture_drift: PartsPerMillion,
    /// Level of the loudspeaker at the microphone.
    #[schemars(extend("minimum" = -120, "maximum" = 20))]
    pub echo: Decibels,
    /// Sound's first way from loudspeaker to microphone.
    #[schemars(extend("minimum" = 0, "maximum" = 1000))]
    pub echo_delay: Millis,
    /// Time in which the room's reverberation falls by 60 dB.
    #[schemars(extend("minimum" = 0, "maximum" = 5000))]
    pub reverberation: Millis,
    /// Level above which the loudspeaker bends the signal.
    #[schemars(extend("minimum" = -60, "maximum" = 0))]
    pub loudspeaker_clipping: Decibels,
    /// Level of the microphone's noise.
    #[schemars(extend("minimum" = -200, "maximum" = 0))]
    pub noise: Decibels,
}

impl Default for RoomConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            drift: PartsPerMillion(0.0),
            capture_drift: PartsPerMillion(0.0),
            echo: Decibels(-20.0),
            echo_delay: Millis(5),
            reverberation: Millis(100),
            loudspeaker_clipping: Decibels(0.0),
            noise: Decibels(-66.0),
        }
    }
}
