//! The door to Azure IoT Hub.

use super::TlsConfig;
use crate::units::Seconds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The door to Azure IoT Hub. The box's identity is a connection string, or an enrolment at the provisioning service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IotHubConfig {
    /// The device's connection string, `HostName=…;DeviceId=…;SharedAccessKey=…` or `…;x509=true`; instead of
    /// `provisioning`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub connection_string: Option<String>,
    /// The provisioning service, which assigns the box to a hub; instead of a connection string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning: Option<ProvisioningConfig>,
    /// How to speak to the hub and the provisioning service.
    pub transport: IotHubTransport,
    /// The hub's port; 8883, or 443 through a WebSocket, when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Port of the hub's HTTPS side, where files are uploaded; 443 when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub https_port: Option<u16>,
    /// Whom to trust, and the client certificate of a box that has one. New files are noticed and shown to the hub.
    pub tls: TlsConfig,
    /// The model that the box announces, a DTMI. Device Update needs it from the first connect.
    pub model_id: String,
    /// Seconds between keep-alive messages. The hub waits half as long again, at most 1767 s.
    #[schemars(range(min = 5, max = 1177))]
    pub keep_alive: u16,
    /// Life of a token (shared access signature); it is renewed, with one short reconnect, before it ends.
    #[schemars(extend("minimum" = 300, "maximum" = 31_536_000))]
    pub sas_lifetime: Seconds,
    /// Longest wait between attempts to connect.
    #[schemars(extend("minimum" = 10, "maximum" = 86_400))]
    pub max_reconnect_delay: Seconds,
    /// Time between `playerStatus` messages; each costs one of the hub's daily messages. 0 sends none.
    #[schemars(extend("minimum" = 0, "maximum" = 86_400, "x-remote" = true))]
    pub telemetry_interval: Seconds,
    /// Send the box's events too.
    #[schemars(extend("x-remote" = true))]
    pub events: bool,
    /// What is sent as one message, an array, where several wait. A message alone is never held back for others.
    pub batch: IotHubBatch,
    /// Least time between patches of the reported properties; changes in between share one.
    #[schemars(extend("minimum" = 0.1, "maximum" = 86_400, "x-remote" = true))]
    pub report_interval: Seconds,
    /// Carry out direct methods and messages from the cloud.
    pub direct_methods: bool,
    /// Obey desired properties, and report.
    pub device_twin: bool,
    /// Commands that may come through this door: names, or `section.*`.
    pub allow: Vec<String>,
}

impl Default for IotHubConfig {
    fn default() -> Self {
        Self {
            connection_string: None,
            provisioning: None,
            transport: IotHubTransport::Mqtt,
            port: None,
            https_port: None,
            tls: TlsConfig::default(),
            model_id: "dtmi:azure:iot:deviceUpdateModel;3".to_owned(),
            keep_alive: 60,
            sas_lifetime: Seconds(3600.0),
            max_reconnect_delay: Seconds(300.0),
            telemetry_interval: Seconds(60.0),
            events: true,
            batch: IotHubBatch::Events,
            report_interval: Seconds(5.0),
            direct_methods: true,
            device_twin: true,
            allow: [
                "player.*",
                "audio.*",
                "system.get_state",
                "system.get_status",
                "system.configure",
                "system.diagnose",
                "update.*",
                "box.restart",
            ]
            .map(str::to_owned)
            .to_vec(),
        }
    }
}

/// Ways to speak to the hub.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IotHubTransport {
    /// MQTT over TLS.
    #[default]
    Mqtt,
    /// MQTT through a WebSocket, which firewalls let pass.
    Websocket,
}

/// What is sent as one message where several wait, as after a time offline: a hub counts each 4 KB begun.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IotHubBatch {
    /// Nothing: each message goes alone.
    Off,
    /// Events. Status messages go alone, as the original's.
    #[default]
    Events,
    /// Events and status messages.
    All,
}

/// An enrolment at the provisioning service (DPS): by a key of its own, by the key of a group, or, with neither, by
/// the certificate in `iot_hub.tls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProvisioningConfig {
    /// The service's host name.
    pub host: String,
    /// The service's port; as for the hub when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// The service's id scope, for example `0ne00A1B2C3`.
    pub id_scope: String,
    /// The registration id; the device's id when missing. With a certificate it is the certificate's common name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_id: Option<String>,
    /// Key of this one device's enrolment, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub key: Option<String>,
    /// Key of an enrolment group, in base64; the box derives its own from it. A box that carries it can speak for
    /// every other of the group: better give each box its derived `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub group_key: Option<String>,
}

impl Default for ProvisioningConfig {
    fn default() -> Self {
        Self {
            host: "global.azure-devices-provisioning.net".to_owned(),
            port: None,
            id_scope: String::new(),
            registration_id: None,
            key: None,
            group_key: None,
        }
    }
}
