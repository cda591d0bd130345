//! A stand-in for Azure IoT Hub and its Device Provisioning Service, for the demo and tests only.
//!
//! It speaks what devices speak: MQTT 3.1.1 over TLS, the same over WebSocket, and file upload over HTTPS. Microsoft's
//! own device SDK for Python connects to it unchanged (`ci/tests/test_iot_hub_stand_in.py`). Where the documents say
//! what the real service does, it does that; where they do not, it does what the MQTT standard says, or refuses.
//!
//! ```no_run
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! use amora_peer_iot_hub::{Options, StandIn};
//! let stand_in = StandIn::start(Options::default()).await?;
//! let hub = stand_in.first_hub().unwrap();
//! let connection_string = hub.register_with_key("box")?;
//! // … the device connects to stand_in.mqtt(), trusting stand_in.authority().pem() …
//! hub.connected("box", true).await;
//! let version = hub.update_desired("box", &serde_json::json!({ "volume": 40 }))?;
//! let messages = hub.received("box", 3).await;
//! stand_in.cut();
//! # Ok(()) }
//! ```
//!
//! Left out: modules, AMQP, TPM attestation, device streams, MQTT 5, metering, `$metadata` in twins, checks of who may
//! use the service side, and limits of rate (a test asks for 429 where it wants one).

mod authority;
mod certificate;
mod cloud;
mod connection;
pub mod control;
mod device;
mod device_update;
mod https;
mod message;
mod method;
mod network;
mod provisioning;
mod registry;
pub mod sas;
mod server;
mod service;
mod session;
mod stand_in;
mod topic;
mod transport;
mod twin;
mod upload;

pub use authority::{Authority, Identity};
pub use device::{Authentication, Happening, TelemetryRule};
pub use device_update::{Fault, FileRequest, Update, UpdateService};
pub use message::{CLOUD_MESSAGE_BYTES, CLOUD_MESSAGES, CloudMessage, MESSAGE_BYTES, Message, SendError};
pub use method::{METHOD_BYTES, MethodError, MethodReply};
pub use provisioning::{Attestation, Enrolment, Registration};
pub use rumqttc_v4::mqttbytes::v4::ConnectReturnCode;
pub use server::StartError;
pub use service::{Hub, ServiceError, fresh_key};
pub use session::CloseReason;
pub use stand_in::{Options, StandIn};
pub use topic::Properties;
pub use twin::{SECTION_BYTES, Section, Twin, TwinError};
pub use upload::{LOG_CONTAINER, Upload};
