//! The section of the state about Azure IoT Hub.

use crate::units::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The door to Azure IoT Hub.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IotHubState {
    /// How the connection is.
    pub link: IotHubLink,
    /// Since when there has been a connection, or none: attempts do not count.
    pub since: Timestamp,
    /// Why there is no connection, in plain words; empty while there is one.
    pub cause: String,
    /// What to do about it; empty while there is a connection.
    pub next_step: String,
    /// The hub's host name, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    /// The device's id there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Connections made since the service started.
    pub connections: u64,
    /// Version of the desired properties that was last obeyed.
    pub desired_version: u64,
    /// Messages to the cloud that wait for a connection.
    pub waiting: u64,
    /// Messages to the cloud that were dropped because too many waited.
    pub dropped: u64,
    /// Messages that the hub took since the service started.
    pub sent: u64,
    /// The last messages and methods that came from the cloud, newest first; at most five.
    pub received: Vec<IotHubReceived>,
}

/// How the connection is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IotHubLink {
    /// Just begun.
    #[default]
    Starting,
    /// The clock is wrong, and a token cannot be signed.
    WaitingForClock,
    /// The provisioning service is being asked for a hub.
    Provisioning,
    /// The hub is being connected to.
    Connecting,
    /// Connected.
    Connected,
    /// Not connected; the next attempt comes by itself.
    Waiting,
}

/// Something that came from the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IotHubReceived {
    /// When.
    pub at: Timestamp,
    /// The method's name, or the command that the message asked for.
    pub name: String,
    /// The status that it was answered with: 200 and 202 are good.
    pub status: u16,
}
