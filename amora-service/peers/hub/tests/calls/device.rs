//! A device with nothing but a peer connection.

use amora_peer_hub::{FRAME, RATE};
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState, RTCSessionDescription, Registry, SettingEngineBuilder,
    register_default_interceptors,
};

const SSRC: u32 = 7;

struct Events {
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    packets: mpsc::UnboundedSender<Packet>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.gathered
            .send_replace(state == RTCIceGatheringState::Complete);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let packets = self.packets.clone();
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let _ = packets.send(packet);
                }
            }
        });
    }
}

/// A connected device.
pub(crate) struct Device {
    connection: Arc<dyn PeerConnection>,
    track: Arc<TrackLocalStaticRTP>,
    packets: mpsc::UnboundedReceiver<Packet>,
}

impl Device {
    /// Offers itself to the hub, and waits until the call stands.
    pub(crate) async fn connect(hub: &str, name: &str) -> Self {
        let (state_sender, mut state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered_sender, mut gathered) = watch::channel(false);
        let (packets_sender, packets) = mpsc::unbounded_channel();
        let events = Events {
            state: state_sender,
            gathered: gathered_sender,
            packets: packets_sender,
        };
        let mut media = MediaEngine::default();
        media.register_default_codecs().unwrap();
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let settings = SettingEngineBuilder::new()
            .with_include_loopback_candidate(true)
            .build();
        let connection: Arc<dyn PeerConnection> = Arc::new(
            PeerConnectionBuilder::new()
                .with_media_engine(media)
                .with_interceptor_registry(registry)
                .with_setting_engine(settings)
                .with_handler(Arc::new(events))
                .with_udp_addrs(vec!["127.0.0.1:0"])
                .build()
                .await
                .unwrap(),
        );
        let track = Arc::new(TrackLocalStaticRTP::new(microphone()));
        connection.add_track(track.clone()).await.unwrap();
        let offer = connection.create_offer(None).await.unwrap();
        connection.set_local_description(offer).await.unwrap();
        let _ = gathered.wait_for(|gathered| *gathered).await.unwrap();
        let offer = connection.local_description().await.unwrap().sdp;
        let body = serde_json::json!({ "device_id": name, "sdp": offer });
        let answer = reqwest::Client::new()
            .post(format!("{hub}/connect"))
            .json(&body)
            .send();
        let answer: serde_json::Value = answer.await.unwrap().json().await.unwrap();
        let sdp = answer["sdp"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let answer = RTCSessionDescription::answer(sdp.to_owned()).unwrap();
        connection.set_remote_description(answer).await.unwrap();
        let connected = state.wait_for(|state| *state == RTCPeerConnectionState::Connected);
        let _ = tokio::time::timeout(Duration::from_secs(60), connected)
            .await
            .expect("it connects");
        Self {
            connection,
            track,
            packets,
        }
    }

    /// Sends sound as it is spoken.
    pub(crate) async fn speak(&self, samples: &[i16]) {
        let mut encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip).unwrap();
        for (number, frame) in samples.chunks(FRAME).enumerate() {
            let header = Header {
                version: 2,
                payload_type: 111,
                sequence_number: number as u16,
                timestamp: (number * FRAME) as u32,
                ssrc: SSRC,
                ..Header::default()
            };
            let payload = encoder.encode_vec(frame, 1_275).unwrap().into();
            self.track.write_rtp(Packet { header, payload }).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for so many packets.
    pub(crate) async fn received(&mut self, count: usize) -> Vec<Packet> {
        let mut packets = Vec::new();
        while packets.len() < count {
            packets.push(self.packets.recv().await.unwrap());
        }
        packets
    }

    /// Hangs up.
    pub(crate) async fn close(&self) {
        self.connection.close().await.unwrap();
    }
}

fn microphone() -> MediaStreamTrack {
    let codec = RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: RATE,
        channels: 2,
        ..RTCRtpCodec::default()
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(SSRC),
            ..RTCRtpCodingParameters::default()
        },
        codec,
        ..RTCRtpEncodingParameters::default()
    };
    let (stream, track) = ("desk".to_owned(), "microphone".to_owned());
    MediaStreamTrack::new(stream, track, String::new(), RtpCodecKind::Audio, vec![encoding])
}
