//! A session on the `webrtc` crate.

use super::farewell::Farewell;
use super::liveness::{CHECK, SILENCE};
use super::{Arrival, Direction, MediaSession, OpusPacket, PAYLOAD_TYPE, RATE, SessionError, SessionEvent};
use crate::call::MediaState;
use crate::signalling::IceServer;
use async_trait::async_trait;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::RTCOfferOptions;
use rtc::rtp::Packet;
use rtc::rtp::header::Header;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState, RTCIceServer, RTCPeerConnectionState, RTCSessionDescription, Registry,
    SettingEngineBuilder, SrtpProtectionProfile, configure_rtcp_reports,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit, RtpTransceiver};

/// Packets that wait to be taken: ten seconds of a hub that sends its speech in one burst.
const ARRIVALS: usize = 512;

/// How long is waited for STUN and TURN servers; the offer then goes out with the candidates that there are.
const GATHERING: Duration = Duration::from_secs(5);

/// How long the network may take a packet.
const SENDING: Duration = Duration::from_secs(1);

/// What a session is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSettings {
    /// Which ways sound goes.
    pub direction: Direction,
    /// Local addresses to be reached at, with ports; `0.0.0.0:0` is every one of the box's but loopback.
    pub addresses: Vec<String>,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
}

/// A session on the `webrtc` crate.
pub struct WebRtcSession {
    connection: Arc<dyn PeerConnection>,
    microphone: Option<Microphone>,
    gathered: watch::Receiver<u64>,
    states: mpsc::UnboundedReceiver<MediaState>,
    arrivals: mpsc::Receiver<Arrival>,
    farewell: Farewell,
    dropped: Arc<AtomicU64>,
    closed: bool,
}

/// The sending side: what stands in the headers of its packets.
struct Microphone {
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// The position after the last packet.
    end: Option<u64>,
}

impl WebRtcSession {
    /// Opens sockets for a session. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`SessionError::Setup`].
    pub async fn new(settings: SessionSettings) -> Result<Self, SessionError> {
        let (gathering, gathered) = watch::channel(0);
        let (state, states) = mpsc::unbounded_channel();
        let (arrival, arrivals) = mpsc::channel(ARRIVALS);
        let dropped = Arc::new(AtomicU64::new(0));
        let listener = Listener {
            gathering,
            state,
            arrival,
            dropped: dropped.clone(),
        };
        let connection = connection(&settings, listener).await.map_err(setup)?;
        let (line, microphone) = add_audio(&*connection, settings.direction).await.map_err(setup)?;
        Ok(Self {
            connection,
            microphone,
            gathered,
            states,
            arrivals,
            farewell: Farewell::new(line),
            dropped,
            closed: false,
        })
    }

    /// An offer once its candidates are gathered. A restart is asked for by the offer alone: `restart_ice` would also
    /// gather for the path that is given up, and its end could be taken for the end of this gathering.
    async fn describe(&mut self, options: Option<RTCOfferOptions>) -> Result<String, SessionError> {
        self.gathered.mark_unchanged();
        let offer = self.connection.create_offer(options).await.map_err(setup)?;
        let created = offer.sdp.clone();
        self.connection
            .set_local_description(offer)
            .await
            .map_err(setup)?;
        // What was gathered by then is all there is; a STUN server that does not answer must not keep the call.
        let _ = tokio::time::timeout(GATHERING, self.gathered.changed()).await;
        let description = self.connection.local_description().await;
        let description =
            description.ok_or_else(|| SessionError::Setup("there is no local description".to_owned()))?;
        Ok(without_candidates_of(&created, &description.sdp))
    }
}

/// A description without the candidates that stood in it as it was created. They are of sockets that the restart
/// closed; the crate keeps them beside those that it gathered since.
fn without_candidates_of(created: &str, description: &str) -> String {
    let mut stale: Vec<&str> = created
        .lines()
        .filter(|line| line.starts_with("a=candidate:"))
        .collect();
    let kept = description.split_inclusive('\n').filter(|line| {
        let found = stale.iter().position(|candidate| *candidate == line.trim_end());
        found.map(|index| stale.swap_remove(index)).is_none()
    });
    kept.collect()
}

#[async_trait]
impl MediaSession for WebRtcSession {
    async fn offer(&mut self) -> Result<String, SessionError> {
        self.describe(None).await
    }

    async fn restart(&mut self) -> Result<String, SessionError> {
        let options = RTCOfferOptions { ice_restart: true };
        self.describe(Some(options)).await
    }

    async fn answer(&mut self, sdp: &str) -> Result<(), SessionError> {
        let refused = |error: webrtc::error::Error| SessionError::Answer(error.to_string());
        let answer = RTCSessionDescription::answer(sdp.to_owned()).map_err(refused)?;
        self.connection
            .set_remote_description(answer)
            .await
            .map_err(refused)
    }

    async fn send(&mut self, packet: OpusPacket) -> Result<(), SessionError> {
        let Some(microphone) = &mut self.microphone else {
            return Err(SessionError::Send("this call only receives".to_owned()));
        };
        let packet = microphone.wrap(packet);
        match tokio::time::timeout(SENDING, microphone.track.write_rtp(packet)).await {
            Ok(sent) => sent.map_err(|error| SessionError::Send(error.to_string())),
            Err(_) => Err(SessionError::Send("the network does not take it".to_owned())),
        }
    }

    async fn next(&mut self) -> Option<SessionEvent> {
        tokio::select! {
            biased;
            state = self.states.recv() => state.map(SessionEvent::State),
            Some(arrival) = self.arrivals.recv() => Some(SessionEvent::Packet(arrival)),
            () = self.farewell.heard() => Some(SessionEvent::State(MediaState::Closed)),
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    async fn close(&mut self) {
        self.closed = true;
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "the session did not close cleanly");
        }
    }
}

impl Drop for WebRtcSession {
    /// The crate's own task goes on for ever unless it is told to end.
    fn drop(&mut self) {
        if let (false, Ok(runtime)) = (self.closed, Handle::try_current()) {
            let connection = self.connection.clone();
            runtime.spawn(async move { connection.close().await });
        }
    }
}

impl Microphone {
    fn wrap(&mut self, packet: OpusPacket) -> Packet {
        let marker = self.end.is_none_or(|end| end != packet.position);
        self.end = Some(packet.position + u64::from(packet.frames));
        self.sequence = self.sequence.wrapping_add(1);
        Packet {
            header: Header {
                version: 2,
                marker,
                payload_type: PAYLOAD_TYPE,
                sequence_number: self.sequence,
                // Timestamps wrap every 25 hours.
                timestamp: self.timestamp.wrapping_add(packet.position as u32),
                ssrc: self.ssrc,
                ..Header::default()
            },
            payload: packet.payload,
        }
    }
}

/// What the connection tells. It must not hold the connection: that would keep both alive for ever.
struct Listener {
    gathering: watch::Sender<u64>,
    state: mpsc::UnboundedSender<MediaState>,
    arrival: mpsc::Sender<Arrival>,
    dropped: Arc<AtomicU64>,
}

#[async_trait]
impl PeerConnectionEventHandler for Listener {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathering.send_modify(|count| *count += 1);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let state = match state {
            RTCPeerConnectionState::Connected => MediaState::Connected,
            RTCPeerConnectionState::Disconnected => MediaState::Disconnected,
            RTCPeerConnectionState::Failed => MediaState::Failed,
            RTCPeerConnectionState::Closed => MediaState::Closed,
            _ => return,
        };
        // An error only means that nobody listens any more.
        let _ = self.state.send(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let (arrival, dropped) = (self.arrival.clone(), self.dropped.clone());
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                let TrackRemoteEvent::OnRtpPacket(packet) = event else {
                    continue;
                };
                let taken =
                    packet.header.payload_type == PAYLOAD_TYPE && arrival.try_send(unwrap(packet)).is_ok();
                if !taken {
                    dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
}

fn unwrap(packet: Packet) -> Arrival {
    Arrival {
        stream: packet.header.ssrc,
        sequence: packet.header.sequence_number,
        timestamp: packet.header.timestamp,
        arrived: Instant::now(),
        payload: packet.payload,
    }
}

async fn connection(
    settings: &SessionSettings,
    listener: Listener,
) -> webrtc::error::Result<Arc<dyn PeerConnection>> {
    let mut media = MediaEngine::default();
    let codec = RTCRtpCodecParameters {
        rtp_codec: opus(),
        payload_type: PAYLOAD_TYPE,
    };
    media.register_codec(codec, RtpCodecKind::Audio)?;
    // Nothing is sent again: Opus' own redundancy costs less delay.
    let registry = configure_rtcp_reports(Registry::new());
    let setting_engine = SettingEngineBuilder::new()
        .with_srtp_protection_profiles(vec![
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        ])
        // Nobody who answers hides behind a name, and without a default route there is no multicast: no call either.
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_timeouts(Some(SILENCE), None, Some(CHECK))
        // A restart is for a box whose address changed: sockets on the old one are of no use.
        .with_discard_local_candidates_during_ice_restart(true)
        .build();
    let ice_servers = settings.ice_servers.iter().map(|server| RTCIceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    });
    let connection = PeerConnectionBuilder::new()
        .with_configuration(
            RTCConfigurationBuilder::new()
                .with_ice_servers(ice_servers.collect())
                .build(),
        )
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_setting_engine(setting_engine)
        .with_handler(Arc::new(listener))
        .with_udp_addrs(settings.addresses.clone())
        .build()
        .await?;
    Ok(Arc::new(connection))
}

/// Adds the one audio line.
async fn add_audio(
    connection: &dyn PeerConnection,
    direction: Direction,
) -> webrtc::error::Result<(Arc<dyn RtpTransceiver>, Option<Microphone>)> {
    let init = |direction| RTCRtpTransceiverInit {
        direction,
        streams: Vec::new(),
        send_encodings: Vec::new(),
    };
    let sending = match direction {
        Direction::Both => RTCRtpTransceiverDirection::Sendrecv,
        Direction::Send => RTCRtpTransceiverDirection::Sendonly,
        Direction::Receive => {
            let receiving = init(RTCRtpTransceiverDirection::Recvonly);
            let line = connection
                .add_transceiver_from_kind(RtpCodecKind::Audio, Some(receiving))
                .await?;
            return Ok((line, None));
        }
    };
    let ssrc = random();
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..RTCRtpCodingParameters::default()
        },
        codec: opus(),
        active: true,
        ..RTCRtpEncodingParameters::default()
    };
    let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        "amora".to_owned(),
        "microphone".to_owned(),
        "microphone".to_owned(),
        RtpCodecKind::Audio,
        vec![encoding.clone()],
    )));
    let mut init = init(sending);
    init.send_encodings = vec![encoding];
    let line = connection
        .add_transceiver_from_track(track.clone() as Arc<dyn TrackLocal>, Some(init))
        .await?;
    let microphone = Microphone {
        track,
        ssrc,
        sequence: random() as u16,
        timestamp: random(),
        end: None,
    };
    Ok((line, Some(microphone)))
}

/// Opus as RFC 7587 demands it to be offered, whatever is sent: two channels, 48 kHz.
fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: RATE,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

/// What the standard library seeds its maps with is random enough for what RFC 3550 wants to be random.
fn random() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}

fn setup(error: webrtc::error::Error) -> SessionError {
    SessionError::Setup(error.to_string())
}
