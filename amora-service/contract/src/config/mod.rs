//! What a box is told to be, as read from TOML. A capability is on only if its section is there.

mod audio;
mod compare;
mod document;
mod doors;
mod environment;
mod error;
pub mod import;
mod iot_hub;
mod kept;
pub mod layers;
mod player;
mod secrets;
mod settings;
mod setup;
mod update;
mod validate;
mod voice;

pub use audio::*;
pub use doors::*;
pub use environment::ORIGINAL_VARIABLES;
pub use error::{ConfigError, Problem};
pub use iot_hub::*;
pub use player::*;
pub use secrets::{HIDDEN, redact, secrets};
pub use settings::{ENABLED, FILE_SUFFIX, Kind, Setting, document_schema, settings};
pub use setup::*;
pub use update::*;
pub use voice::*;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The whole configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who this box is.
    pub device: DeviceConfig,
    /// The sound card and the mixer.
    pub audio: AudioConfig,
    /// The music player; off when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub player: Option<PlayerConfig>,
    /// The voice call; off when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<VoiceConfig>,
    /// The MQTT door; closed when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mqtt: Option<MqttConfig>,
    /// The door to Azure IoT Hub; closed when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iot_hub: Option<IotHubConfig>,
    /// The web door; closed when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<WebConfig>,
    /// Updates of the whole image; off when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateConfig>,
    /// Making a box somebody's, and nobody's again; off when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<SetupConfig>,
    /// The log.
    pub log: LogConfig,
}

/// Who this box is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceConfig {
    /// The id that the box is addressed by: letters, digits, `-`, `_`, `.` and `:`, at most 128.
    pub id: String,
    /// The name that people read.
    #[schemars(extend("x-remote" = true))]
    pub name: String,
    /// Folder for everything the service keeps: outbox, sessions, secrets, volume.
    pub data: PathBuf,
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self {
            id: "amora".to_owned(),
            name: "Amora".to_owned(),
            data: PathBuf::from("/data/amora"),
        }
    }
}

/// The log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,amora_mqtt=debug`.
    #[schemars(extend("x-remote" = true))]
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
        }
    }
}
