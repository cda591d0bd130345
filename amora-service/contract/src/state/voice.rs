//! The section of the state about the voice call.

use crate::config::EchoEngine;
use crate::units::{Decibels, PartsPerMillion, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The voice call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VoiceState {
    /// How the call is.
    pub link: VoiceLink,
    /// Since when the call has been so.
    pub since: Timestamp,
    /// Why there is no call, in plain words; empty while there is one.
    pub cause: String,
    /// Where the call goes.
    pub hub: String,
    /// The box's name there.
    pub device_id: String,
    /// Whether the microphone is held back.
    pub mute: bool,
    /// Whether somebody speaks while the box does.
    pub barge_in: bool,
    /// Seconds since the voice desk was started.
    pub uptime_seconds: u64,
    /// How long the sound thread took for its last period, in milliseconds.
    pub audio_callback_duration_ms: f64,
    /// What was counted since the service started.
    pub counters: VoiceCounters,
    /// What waits.
    pub queues: VoiceQueues,
    /// The echo canceller, while it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<EchoState>,
}

/// How a call is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoiceLink {
    /// None is wanted.
    #[default]
    Off,
    /// Being set up.
    Connecting,
    /// Packets flow.
    Connected,
    /// Packets stopped; it may come back by itself.
    Interrupted,
    /// None; the next attempt comes by itself.
    Waiting,
}

/// What was counted since the service started. A frame is 20 ms of sound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VoiceCounters {
    /// Frames that the microphone heard.
    pub mic_frames_captured: u64,
    /// Frames sent to the hub.
    pub mic_frames_sent: u64,
    /// Frames of the microphone dropped because too many waited.
    pub mic_frames_dropped: u64,
    /// Frames of speech that the hub sent.
    pub tts_frames_received: u64,
    /// Frames of speech played.
    pub tts_frames_played: u64,
    /// Frames of speech dropped because too many waited.
    pub tts_frames_dropped: u64,
    /// Frames that went through the echo canceller.
    pub aec_frames_processed: u64,
    /// Calls made.
    pub connections: u64,
    /// Attempts that failed.
    pub connection_failures: u64,
}

/// What waits, in frames of 20 ms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VoiceQueues {
    /// Of the microphone, for the hub.
    pub microphone: u64,
    /// Of the hub, for the loudspeaker.
    pub speech: u64,
}

/// The echo canceller.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EchoState {
    /// Who cancels; never `auto`, and `off` where the microphone goes out as it is.
    pub engine: EchoEngine,
    /// Why this one, in plain words.
    pub reason: String,
    /// Echo return loss enhancement: by how much the echo leaves quieter than it came. Missing until the box has
    /// sounded alone for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erle: Option<Decibels>,
    /// By how much the echo comes later than the card reports, in milliseconds; missing while not found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<f64>,
    /// How far the microphone's clock runs from the loudspeaker's.
    pub drift: PartsPerMillion,
    /// Share of the time in which the box and somebody spoke at once, 0 to 1.
    pub double_talk: f64,
    /// What gain control adds to the microphone; missing while it is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<Decibels>,
}
