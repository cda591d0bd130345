//! Everything that is so, as one document with a section per capability.

mod audio;
mod iot_hub;
mod player;
mod system;
mod update;
mod voice;

pub use audio::*;
pub use iot_hub::*;
pub use player::*;
pub use system::*;
pub use update::*;
pub use voice::*;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What changes all the time, by its path: a report of each change would cost more than it tells.
pub const RESTLESS: [&str; 18] = [
    "/revision",
    "/iot_hub",
    "/player/position",
    "/player/position_at",
    "/player/bitrate",
    "/player/library/scanned",
    "/audio/mixer",
    "/audio/music/fill",
    "/audio/music/drift",
    "/audio/counters/periods",
    "/audio/counters/limited",
    "/audio/counters/ducked",
    "/audio/counters/callback_microseconds",
    "/voice/uptime_seconds",
    "/voice/audio_callback_duration_ms",
    "/voice/counters",
    "/voice/queues",
    "/voice/echo",
];

/// The state of the box. A section is absent when its capability is not configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// Grows with every change of any section.
    pub revision: u64,
    /// The box itself.
    pub system: SystemState,
    /// The sound engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioState>,
    /// The music player.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub player: Option<PlayerState>,
    /// The voice call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<VoiceState>,
    /// Updates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateState>,
    /// The door to Azure IoT Hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iot_hub: Option<IotHubState>,
}
