//! The doors: how the outside reaches the box.

use crate::units::Seconds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The MQTT door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MqttConfig {
    /// The broker's host name or address.
    pub host: String,
    /// The broker's port; 1883, or 8883 with TLS, when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Protocol version.
    pub version: MqttVersion,
    /// Client id; `device-` and the device's id when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// User name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub password: Option<String>,
    /// TLS; plain TCP when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// First part of every topic.
    pub topic_prefix: String,
    /// Quality of service of what the box publishes: 0, 1 or 2.
    #[schemars(range(max = 2))]
    pub qos: u8,
    /// Seconds between keep-alive messages.
    #[schemars(range(min = 5, max = 65_535))]
    pub keep_alive: u16,
    /// Forget the session at each connect.
    pub clean_session: bool,
    /// Longest wait between attempts to connect.
    #[schemars(extend("minimum" = 1, "maximum" = 86_400))]
    pub max_reconnect_delay: Seconds,
    /// Time between full states.
    #[schemars(extend("minimum" = 0.1, "maximum" = 86_400, "x-remote" = true))]
    pub full_update_interval: Seconds,
    /// Time between states while playing.
    #[schemars(extend("minimum" = 0.1, "maximum" = 86_400, "x-remote" = true))]
    pub position_update_interval: Seconds,
    /// Publish retained messages. AWS IoT Core counts and limits them.
    pub retain: bool,
    /// Largest message taken or sent, in bytes. AWS IoT Core allows 131072.
    #[schemars(range(min = 1024, max = 268_435_455))]
    pub max_message_size: usize,
    /// Home Assistant discovery; off when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_assistant: Option<HomeAssistantConfig>,
    /// Commands that may come through this door: names, or `section.*`.
    pub allow: Vec<String>,
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: None,
            version: MqttVersion::V3,
            client_id: None,
            username: None,
            password: None,
            tls: None,
            topic_prefix: "amora/devices".to_owned(),
            qos: 1,
            keep_alive: 60,
            clean_session: true,
            max_reconnect_delay: Seconds(300.0),
            full_update_interval: Seconds(5.0),
            position_update_interval: Seconds(1.0),
            retain: true,
            max_message_size: 131_072,
            home_assistant: None,
            allow: ["player.*", "audio.*", "system.get_state", "system.get_status"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// MQTT protocol versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MqttVersion {
    /// MQTT 3.1.1.
    #[default]
    #[serde(rename = "3.1.1")]
    V3,
    /// MQTT 5.
    #[serde(rename = "5")]
    V5,
}

/// TLS of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificates to trust, PEM; the system's when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Our certificate, PEM, for brokers that ask for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// Our certificate's key, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
}

/// Home Assistant discovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HomeAssistantConfig {
    /// First part of the discovery topics.
    pub discovery_prefix: String,
}

impl Default for HomeAssistantConfig {
    fn default() -> Self {
        Self {
            discovery_prefix: "homeassistant".to_owned(),
        }
    }
}

/// The web door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// Address to listen on.
    pub address: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Port for the original's HTTP API, which knows no login; closed when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_port: Option<u16>,
    /// Unix socket with the same API for programs on the box itself: no login, the file's owner and group may use
    /// it. An empty path closes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// Let anyone who reaches the port read state, events, levels, covers and metrics without logging in. Commands
    /// and listening always need the login.
    pub open_status: bool,
    /// Further origins (scheme, host, port) whose pages may talk to the box. The box answers to their host names too:
    /// a box behind a public name needs that name here.
    pub allowed_origins: Vec<String>,
    /// Commands that may come through this door, the Unix socket and the original's API included: names, or
    /// `section.*`.
    pub allow: Vec<String>,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            address: "0.0.0.0".to_owned(),
            port: 8080,
            legacy_port: None,
            socket: Some(PathBuf::from("/run/amora/control.socket")),
            open_status: false,
            allowed_origins: Vec::new(),
            allow: ["player.*", "audio.*", "voice.*", "system.*", "update.*", "box.*"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}
