//! The other side of a call, and a hub around it.

use async_trait::async_trait;
use bytes::Bytes;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::Packet;
use rtc::rtp::header::Header;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState, RTCSessionDescription, StatsSelector,
};

/// The stream that the peer sends.
pub(crate) const STREAM: u32 = 0x5045_4552;

/// A peer that answers, with the crate's default codecs.
pub(crate) struct Peer {
    connection: Arc<dyn PeerConnection>,
    track: Arc<TrackLocalStaticRTP>,
    gathering: watch::Receiver<bool>,
    state: watch::Receiver<RTCPeerConnectionState>,
    /// What it hears.
    pub(crate) heard: mpsc::UnboundedReceiver<Packet>,
}

struct Listener {
    gathered: watch::Sender<bool>,
    state: watch::Sender<RTCPeerConnectionState>,
    heard: mpsc::UnboundedSender<Packet>,
}

#[async_trait]
impl PeerConnectionEventHandler for Listener {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.gathered
            .send_replace(state == RTCIceGatheringState::Complete);
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let heard = self.heard.clone();
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let _ = heard.send(packet);
                }
            }
        });
    }
}

impl Peer {
    /// Answers an offer. Returns the answer with all candidates.
    pub(crate) async fn answer(offer: &str) -> (Self, String) {
        let (gathered, gathering) = watch::channel(false);
        let (state, states) = watch::channel(RTCPeerConnectionState::New);
        let (hear, heard) = mpsc::unbounded_channel();
        let mut media = MediaEngine::default();
        media.register_default_codecs().unwrap();
        let connection: Arc<dyn PeerConnection> = Arc::new(
            PeerConnectionBuilder::new()
                .with_media_engine(media)
                .with_handler(Arc::new(Listener {
                    gathered,
                    state,
                    heard: hear,
                }))
                .with_udp_addrs(vec!["127.0.0.1:0"])
                .build()
                .await
                .unwrap(),
        );
        let offer = RTCSessionDescription::offer(offer.to_owned()).unwrap();
        connection.set_remote_description(offer).await.unwrap();
        let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
            "tts-stream".to_owned(),
            "audio".to_owned(),
            "audio".to_owned(),
            RtpCodecKind::Audio,
            vec![RTCRtpEncodingParameters {
                rtp_coding_parameters: RTCRtpCodingParameters {
                    ssrc: Some(STREAM),
                    ..RTCRtpCodingParameters::default()
                },
                codec: RTCRtpCodec {
                    mime_type: "audio/opus".to_owned(),
                    clock_rate: 48_000,
                    channels: 2,
                    ..RTCRtpCodec::default()
                },
                ..RTCRtpEncodingParameters::default()
            }],
        )));
        connection
            .add_track(track.clone() as Arc<dyn TrackLocal>)
            .await
            .unwrap();
        let mut peer = Self {
            connection,
            track,
            gathering,
            state: states,
            heard,
        };
        let sdp = peer.describe().await;
        (peer, sdp)
    }

    async fn describe(&mut self) -> String {
        let answer = self.connection.create_answer(None).await.unwrap();
        self.connection.set_local_description(answer).await.unwrap();
        self.gathering.wait_for(|gathered| *gathered).await.unwrap();
        self.connection.local_description().await.unwrap().sdp
    }

    /// Answers another offer of the same session.
    pub(crate) async fn answer_again(&mut self, offer: &str) -> String {
        let offer = RTCSessionDescription::offer(offer.to_owned()).unwrap();
        self.connection.set_remote_description(offer).await.unwrap();
        self.describe().await
    }

    /// How the packets are encrypted.
    pub(crate) async fn cipher(&self) -> String {
        let report = self
            .connection
            .get_stats(Instant::now(), StatsSelector::None)
            .await;
        report.transport().unwrap().srtp_cipher.clone()
    }

    /// Waits until packets can flow.
    pub(crate) async fn connected(&mut self) {
        let state = &mut self.state;
        state
            .wait_for(|state| *state == RTCPeerConnectionState::Connected)
            .await
            .unwrap();
    }

    /// Sends one packet as a hub does: from zero on, 960 frames each.
    pub(crate) async fn say(&self, number: u16, payload_type: u8, payload: &'static [u8]) {
        let header = Header {
            version: 2,
            payload_type,
            sequence_number: number,
            timestamp: u32::from(number) * 960,
            ssrc: STREAM,
            ..Header::default()
        };
        let payload = Bytes::from_static(payload);
        self.track.write_rtp(Packet { header, payload }).await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.connection.close().await.unwrap();
    }
}
