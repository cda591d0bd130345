//! The MQTT door: commands, state and events over a broker, in both Amora dialects, and Home Assistant discovery.

pub mod dialect;

use amora_contract::config::{DeviceConfig, MqttConfig};
use amora_router::Router;
use tokio_util::sync::CancellationToken;

/// Why the door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {}

/// Keeps the door open until `shutdown`.
///
/// # Errors
/// When the configuration cannot work; a broker that is away is no error, it is tried again.
pub async fn run(
    _router: Router,
    _config: MqttConfig,
    _device: DeviceConfig,
    shutdown: CancellationToken,
) -> Result<(), MqttError> {
    shutdown.cancelled().await;
    Ok(())
}
