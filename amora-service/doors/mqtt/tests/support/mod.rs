//! What the door is tested against: a private mosquitto, its command-line clients, and a box with stand-in capabilities.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

mod broker;
mod device;

pub use broker::Broker;
pub use device::Device;
use std::time::Duration;

/// Long enough for any machine; no test waits for it unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("in {PATIENCE:?} not: {what}"))
}
