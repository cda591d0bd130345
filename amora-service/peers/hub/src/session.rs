//! One device's call.

use crate::FRAME;
use crate::counters::{Counters, add};
use crate::ear::{Ear, Received};
use crate::mouth::Mouth;
use crate::negotiation::{Negotiated, NegotiationError, negotiate};
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{PeerConnection, RTCPeerConnectionState};

/// A call between the hub and a device.
pub struct Session {
    connection: Arc<dyn PeerConnection>,
    track: Arc<TrackLocalStaticRTP>,
    payload_type: u8,
    state: watch::Receiver<RTCPeerConnectionState>,
    /// The library tells nobody of a connection that is closed on this side.
    closed: CancellationToken,
    ear: Arc<Mutex<Ear>>,
    mouth: tokio::sync::Mutex<Mouth>,
    counters: Arc<Counters>,
}

impl Session {
    /// Answers an offer. What is spoken goes to `utterances`.
    pub(crate) async fn answer(
        offer: String,
        counters: Arc<Counters>,
        utterances: mpsc::UnboundedSender<Vec<i16>>,
    ) -> Result<(Arc<Self>, String), NegotiationError> {
        let negotiated = negotiate(offer).await?;
        let Negotiated {
            connection,
            sdp,
            payload_type,
            ssrc,
            track,
            state,
            mut tracks,
        } = negotiated;
        let ear = Arc::new(Mutex::new(Ear::new(payload_type, counters.clone())?));
        let listening = ear.clone();
        // Neither task holds the connection: that ends them when it ends.
        tokio::spawn(async move {
            while let Some(track) = tracks.recv().await {
                tokio::spawn(listen(track, listening.clone(), utterances.clone()));
            }
        });
        let session = Self {
            connection,
            track,
            payload_type,
            state,
            closed: CancellationToken::new(),
            ear,
            mouth: tokio::sync::Mutex::new(Mouth::new(payload_type, ssrc)?),
            counters,
        };
        Ok((Arc::new(session), sdp))
    }

    /// Sends speech, a frame each `pace`, and gives the number of frames. A tail shorter than a frame is dropped.
    pub async fn say(&self, samples: &[i16], pace: Duration) -> Result<usize, NegotiationError> {
        let mut mouth = self.mouth.lock().await;
        let mut sent = 0;
        for frame in samples.as_chunks::<FRAME>().0 {
            let packet = mouth.packet(frame)?;
            if !self.is_connected() || self.track.write_rtp(packet).await.is_err() {
                add(&self.counters.tts_frames_dropped, 1);
            } else {
                add(&self.counters.tts_frames_routed, 1);
                sent += 1;
            }
            tokio::time::sleep(pace).await;
        }
        Ok(sent)
    }

    /// Sends a packet with these numbers, whatever comes before and after. The payload type must be one that the device
    /// offered: any other is not sent.
    pub async fn send_packet(
        &self,
        payload_type: u8,
        sequence: u16,
        timestamp: u32,
        payload: Bytes,
    ) -> Result<(), NegotiationError> {
        let packet = self.mouth.lock().await;
        let packet = packet.any_packet(payload_type, sequence, timestamp, payload);
        Ok(self.track.write_rtp(packet).await?)
    }

    /// The last seconds that were heard, at most two minutes; what was lost is silence.
    pub fn heard(&self, seconds: f64) -> Vec<i16> {
        self.ear().heard.last(seconds)
    }

    /// Samples that were heard so far.
    pub fn heard_samples(&self) -> u64 {
        self.ear().heard.total()
    }

    /// The packets that came, oldest first, at most the last 6,000.
    pub fn packets(&self) -> Vec<Received> {
        self.ear().packets.iter().cloned().collect()
    }

    /// Packets that could not be decoded, were longer than 20 ms, came too late, or as another codec.
    pub fn skipped(&self) -> u64 {
        self.ear().skipped
    }

    /// As what Opus was negotiated.
    pub fn payload_type(&self) -> u8 {
        self.payload_type
    }

    /// `new`, `connecting`, `connected`, `disconnected`, `failed` or `closed`.
    pub fn state(&self) -> String {
        self.current().to_string()
    }

    /// Whether sound can flow.
    pub fn is_connected(&self) -> bool {
        self.current() == RTCPeerConnectionState::Connected
    }

    fn current(&self) -> RTCPeerConnectionState {
        if self.closed.is_cancelled() {
            return RTCPeerConnectionState::Closed;
        }
        *self.state.borrow()
    }

    /// Waits until the call stands, or has ended.
    pub(crate) async fn settled(&self) -> bool {
        let done =
            |state: &RTCPeerConnectionState| *state == RTCPeerConnectionState::Connected || ended(*state);
        self.wait_until(done).await;
        self.is_connected()
    }

    /// Waits until the connection has ended: `disconnected` may yet recover.
    pub(crate) async fn ended(&self) {
        self.wait_until(|state| ended(*state)).await;
    }

    /// Waits for a state, or that the session is closed here.
    async fn wait_until(&self, done: impl FnMut(&RTCPeerConnectionState) -> bool) {
        let mut state = self.state.clone();
        tokio::select! {
            _ = state.wait_for(done) => {}
            () = self.closed.cancelled() => {}
        }
    }

    /// Hangs up.
    pub(crate) async fn close(&self) {
        self.closed.cancel();
        self.ear().cut_short();
        let _ = self.connection.close().await;
    }

    fn ear(&self) -> MutexGuard<'_, Ear> {
        self.ear.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ended(state: RTCPeerConnectionState) -> bool {
    matches!(
        state,
        RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed
    )
}

/// Hears a track to its end.
async fn listen(
    track: Arc<dyn TrackRemote>,
    ear: Arc<Mutex<Ear>>,
    utterances: mpsc::UnboundedSender<Vec<i16>>,
) {
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else {
            continue;
        };
        let received = Received {
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            payload_type: packet.header.payload_type,
            bytes: packet.payload.len(),
            arrival: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs_f64(),
            position: None,
        };
        let spoken = ear
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(received, &packet.payload);
        if let Some(spoken) = spoken {
            let _ = utterances.send(spoken);
        }
    }
}
