//! From a device's offer to a peer connection that hears and speaks.

use crate::raw;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::Track;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState, RTCSessionDescription, Registry, SettingEngineBuilder, SrtpProtectionProfile,
    register_default_interceptors,
};

/// How long the candidates of one interface may take.
const GATHERING: Duration = Duration::from_secs(10);

/// Why an offer was not answered.
#[derive(Debug, thiserror::Error)]
pub enum NegotiationError {
    /// It asks for no sound.
    #[error("the offer has no audio")]
    NoAudio,
    /// It asks for another codec.
    #[error("the offer has no Opus")]
    NoOpus,
    /// The candidates were not found in time.
    #[error("the candidates were not gathered")]
    Gathering,
    /// It is told to say something, and only hears.
    #[error("this session only hears")]
    OnlyHears,
    /// A datagram could not be sent.
    #[error("the device cannot be reached: {0}")]
    Unreachable(#[from] std::io::Error),
    /// The library refuses.
    #[error("{0}")]
    WebRtc(#[from] webrtc::error::Error),
    /// The codec cannot be made.
    #[error("{0}")]
    Opus(#[from] opus::Error),
}

/// What the library tells, as channels.
struct Events {
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    tracks: mpsc::UnboundedSender<Arc<dyn TrackRemote>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let _ = self.tracks.send(track);
    }
}

/// A connection that was answered.
pub(crate) struct Negotiated {
    pub(crate) connection: Arc<dyn PeerConnection>,
    /// The answer, with all candidates.
    pub(crate) sdp: String,
    pub(crate) payload_type: u8,
    /// Where the device can be reached, by its offer.
    pub(crate) candidates: Vec<SocketAddr>,
    /// What the hub says, and its stream; nothing when it only hears.
    pub(crate) track: Option<(Arc<TrackLocalStaticRTP>, u32)>,
    pub(crate) state: watch::Receiver<RTCPeerConnectionState>,
    pub(crate) tracks: mpsc::UnboundedReceiver<Arc<dyn TrackRemote>>,
}

/// Answers an offer, to be reached at this address. A hub that does not speak only hears.
pub(crate) async fn negotiate(
    offer: String,
    address: IpAddr,
    speaks: bool,
) -> Result<Negotiated, NegotiationError> {
    let payload_type = opus_payload_type(&offer)?;
    let candidates = candidates(&offer);
    let (state_sender, state) = watch::channel(RTCPeerConnectionState::New);
    let (gathered_sender, mut gathered) = watch::channel(false);
    let (tracks_sender, tracks) = mpsc::unbounded_channel();
    let events = Arc::new(Events {
        state: state_sender,
        gathered: gathered_sender,
        tracks: tracks_sender,
    });
    let mut media = MediaEngine::default();
    media.register_default_codecs()?;
    let registry = register_default_interceptors(Registry::new(), &mut media)?;
    let registry = registry.with(raw::PLACE, raw::Unmask::default());
    let settings = SettingEngineBuilder::new()
        .with_include_loopback_candidate(true)
        // It would listen on every interface.
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_srtp_protection_profiles(vec![
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        ])
        .build();
    let connection: Arc<dyn PeerConnection> = Arc::new(
        PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_setting_engine(settings)
            .with_handler(events)
            .with_udp_addrs(vec![SocketAddr::new(address, 0).to_string()])
            .build()
            .await?,
    );
    let track = match speaks {
        true => {
            let track = Arc::new(speech_track());
            let ssrc = track.ssrcs().await[0];
            Some((track, ssrc))
        }
        false => None,
    };
    let answered = async {
        if let Some((track, _)) = &track {
            connection.add_track(track.clone()).await?;
        }
        let offer = RTCSessionDescription::offer(offer)?;
        connection.set_remote_description(offer).await?;
        let answer = connection.create_answer(None).await?;
        connection.set_local_description(answer).await?;
        let complete = tokio::time::timeout(GATHERING, gathered.wait_for(|complete| *complete)).await;
        let complete = complete.is_ok_and(|gathered| gathered.is_ok());
        let description = connection.local_description().await.filter(|_| complete);
        Ok(description.ok_or(NegotiationError::Gathering)?.sdp)
    };
    match answered.await {
        Ok(sdp) => Ok(Negotiated {
            connection,
            sdp,
            payload_type,
            candidates,
            track,
            state,
            tracks,
        }),
        Err(error) => {
            let _ = connection.close().await;
            Err(error)
        }
    }
}

/// The track `audio` of the stream `tts-stream`.
fn speech_track() -> TrackLocalStaticRTP {
    // Unique on its connection, which has no other.
    let ssrc = std::process::id() | 1;
    let codec = RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: crate::RATE,
        channels: 2,
        ..RTCRtpCodec::default()
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..RTCRtpCodingParameters::default()
        },
        codec,
        ..RTCRtpEncodingParameters::default()
    };
    let (stream, track) = ("tts-stream".to_owned(), "audio".to_owned());
    let track = MediaStreamTrack::new(stream, track, String::new(), RtpCodecKind::Audio, vec![encoding]);
    TrackLocalStaticRTP::new(track)
}

/// The number that the offer's first audio line gives Opus.
fn opus_payload_type(offer: &str) -> Result<u8, NegotiationError> {
    let mut lines = offer.lines().map(str::trim_end);
    if !lines.any(|line| line.starts_with("m=audio ")) {
        return Err(NegotiationError::NoAudio);
    }
    lines
        .take_while(|line| !line.starts_with("m="))
        .filter_map(|line| line.strip_prefix("a=rtpmap:")?.split_once(' '))
        .find(|(_, codec)| codec.to_ascii_lowercase().starts_with("opus/48000"))
        .and_then(|(number, _)| number.parse().ok())
        .ok_or(NegotiationError::NoOpus)
}

/// The addresses in an offer for datagrams.
fn candidates(offer: &str) -> Vec<SocketAddr> {
    let lines = offer.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
    let addresses = lines.filter_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, _, transport, _, address, port, ..] = words[..] else {
            return None;
        };
        let is_datagram = transport.eq_ignore_ascii_case("udp");
        is_datagram
            .then(|| Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?)))
            .flatten()
    });
    addresses.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_opus_is_found_in_the_audio_line() {
        let offer = "v=0\r\nm=video 9 X 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 9 X 0 97\r\n\
                     a=rtpmap:0 PCMU/8000\r\na=rtpmap:97 opus/48000/2\r\n";
        assert_eq!(opus_payload_type(offer).unwrap(), 97);
        let without = offer.replace("opus", "G722");
        assert!(matches!(
            opus_payload_type(&without),
            Err(NegotiationError::NoOpus)
        ));
        let silent = offer.replace("m=audio", "m=text");
        assert!(matches!(
            opus_payload_type(&silent),
            Err(NegotiationError::NoAudio)
        ));
    }

    #[test]
    fn candidates_that_have_an_address_are_found() {
        let offer = "m=audio 9 X 111\r\na=candidate:1 1 UDP 2130706431 192.0.2.7 5000 typ host\r\n\
                     a=candidate:2 1 udp 1 fd00::7 5001 typ host\r\na=candidate:3 1 tcp 1 192.0.2.7 9 typ host\r\n\
                     a=candidate:4 1 udp 1 5ad1.local 5002 typ host\r\na=candidate:5\r\n";
        let found: Vec<String> = candidates(offer).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.7:5000", "[fd00::7]:5001"]);
    }
}
