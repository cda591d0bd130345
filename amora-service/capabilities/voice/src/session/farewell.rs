//! Hears that the other side ends the call. The crate takes its `close_notify` and tells nobody, so it is asked.

use rtc::peer_connection::transport::RTCDtlsTransportState;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};
use webrtc::peer_connection::transport::DtlsTransport;
use webrtc::rtp_transceiver::RtpTransceiver;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Watches the transport of one audio line.
pub(super) struct Farewell {
    line: Arc<dyn RtpTransceiver>,
    transport: Option<Arc<dyn DtlsTransport>>,
    looks: Interval,
}

impl Farewell {
    pub(super) fn new(line: Arc<dyn RtpTransceiver>) -> Self {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            line,
            transport: None,
            looks,
        }
    }

    /// Waits until the other side has closed the transport. May be dropped and called again.
    pub(super) async fn heard(&mut self) {
        loop {
            self.looks.tick().await;
            if self.transport.is_none() {
                self.transport = transport(&*self.line).await;
            }
            if let Some(transport) = &self.transport
                && matches!(transport.state().await, Ok(RTCDtlsTransportState::Closed))
            {
                return;
            }
        }
    }
}

/// There is one once the answer was taken; for a line that only receives, once something came.
async fn transport(line: &dyn RtpTransceiver) -> Option<Arc<dyn DtlsTransport>> {
    if let Ok(Some(sender)) = line.sender().await
        && let Ok(Some(transport)) = sender.transport().await
    {
        return Some(transport);
    }
    line.receiver().await.ok()??.transport().await.ok()?
}
