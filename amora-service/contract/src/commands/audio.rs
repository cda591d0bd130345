//! Commands for the sound card and what is mixed into it.

use super::commands;
use super::player::lenient_volume;
use crate::reply::*;
use crate::state::AudioState;
use crate::units::{Decibels, Hertz, Millis, Volume};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

commands! {
    /// The sound card and what is mixed into it.
    AudioCommand {
        /// Set the volume of the box. Values outside 0–100 are moved to the nearest end.
        "audio.set_volume" => SetVolume(SetBoxVolume) -> VolumeReply,
        /// Raise or lower the volume of the box.
        "audio.change_volume" => ChangeVolume(ChangeVolume) -> VolumeReply,
        /// Silence the box without losing its volume, or let it be heard again.
        "audio.set_mute" => SetMute(SetMute) -> Nothing,
        /// Play a short chime over whatever is playing.
        "audio.chime" => Chime(PlayChime) -> Nothing,
        /// Play a tone on each channel in turn and, where there is a microphone, listen for it.
        "audio.test" => Test(TestSound) -> SoundTestReport,
        /// Give the card to the player alone, bit-perfect at the music's own rate, while nothing else needs it.
        "audio.set_exclusive" => SetExclusive(SetExclusive) -> Nothing,
        /// Read the state of the sound engine, with its counters.
        "audio.get_status" => GetStatus -> AudioState,
    }
}

/// The volume wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetBoxVolume {
    /// 0 (silent) to 100 (full scale).
    #[serde(deserialize_with = "lenient_volume")]
    #[schemars(with = "Volume")]
    pub volume: Volume,
}

/// A step of volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeVolume {
    /// Steps to add; negative lowers.
    pub by: i16,
}

/// Muting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetMute {
    /// Silent or audible.
    pub mute: bool,
}

/// A chime to play.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlayChime {
    /// Which one.
    #[serde(default)]
    pub chime: Chime,
}

/// The chimes the box knows. They are synthesised, so they fit any rate and need no files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Chime {
    /// Two rising notes: something began.
    #[default]
    Ready,
    /// Two falling notes: something ended.
    Done,
    /// Three even notes: attention.
    Attention,
    /// A low double note: something failed.
    Error,
}

/// The sound test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TestSound {
    /// Frequency of the tone.
    pub frequency: Hertz,
    /// Level of the tone at the card.
    pub level: Decibels,
    /// Length of the tone on each channel.
    pub duration: Millis,
}

impl Default for TestSound {
    fn default() -> Self {
        Self {
            frequency: Hertz(1000.0),
            level: Decibels(-20.0),
            duration: Millis(500),
        }
    }
}

/// Exclusive mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetExclusive {
    /// On or off.
    pub exclusive: bool,
}
