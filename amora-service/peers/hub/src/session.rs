//! One device's call.

use crate::FRAME;
use crate::counters::{Counters, add};
use crate::ear::{Ear, Received};
use crate::fragment::{Fragment, fragment_of};
use crate::mouth::Mouth;
use crate::negotiation::{Negotiated, NegotiationError, negotiate};
use crate::raw::RtpFields;
use crate::relay::Relay;
use rtc::rtp::Packet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::UdpSocket;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{PeerConnection, RTCPeerConnectionState, RTCSessionDescription};

/// What is heard of a device, for who listens along.
pub(crate) type Audience = broadcast::Sender<Arc<Packet>>;

/// Where a session's sound goes.
pub(crate) struct Surroundings {
    pub(crate) counters: Arc<Counters>,
    /// What is spoken.
    pub(crate) utterances: mpsc::UnboundedSender<Vec<i16>>,
    /// Every packet.
    pub(crate) audience: Audience,
}

/// A call between the hub and a device, or one way of it.
pub struct Session {
    connection: Arc<dyn PeerConnection>,
    /// What was offered and answered last.
    descriptions: tokio::sync::Mutex<Descriptions>,
    speech: Option<Speech>,
    payload_type: u8,
    candidates: Vec<SocketAddr>,
    state: watch::Receiver<RTCPeerConnectionState>,
    /// The library tells nobody of a connection that is closed on this side.
    closed: CancellationToken,
    ear: Arc<Mutex<Ear>>,
    counters: Arc<Counters>,
}

struct Descriptions {
    offer: String,
    answer: String,
}

/// What comes of a path that is offered to a session.
pub(crate) enum Moved {
    /// The hub's path, and the name of the ICE session.
    To(String, String),
    /// None other than there was.
    Same,
}

/// The way to the device.
struct Speech {
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    mouth: tokio::sync::Mutex<Mouth>,
}

impl Session {
    /// Answers an offer, to be reached at this address.
    pub(crate) async fn answer(
        offer: String,
        address: IpAddr,
        speaks: bool,
        surroundings: Surroundings,
    ) -> Result<(Arc<Self>, String), NegotiationError> {
        let Surroundings {
            counters,
            utterances,
            audience,
        } = surroundings;
        let Negotiated {
            connection,
            sdp,
            payload_type,
            candidates,
            track,
            state,
            mut tracks,
        } = negotiate(offer.clone(), address, speaks).await?;
        let ear = Arc::new(Mutex::new(Ear::new(payload_type, counters.clone())?));
        let listening = ear.clone();
        // Neither task holds the connection: that ends them when it ends.
        tokio::spawn(async move {
            while let Some(track) = tracks.recv().await {
                tokio::spawn(listen(
                    track,
                    listening.clone(),
                    utterances.clone(),
                    audience.clone(),
                ));
            }
        });
        let speech = match track {
            Some((track, ssrc)) => Some(Speech {
                track,
                ssrc,
                mouth: tokio::sync::Mutex::new(Mouth::new(payload_type, ssrc)?),
            }),
            None => None,
        };
        let session = Self {
            connection,
            descriptions: tokio::sync::Mutex::new(Descriptions {
                offer,
                answer: sdp.clone(),
            }),
            speech,
            payload_type,
            candidates,
            state,
            closed: CancellationToken::new(),
            ear,
            counters,
        };
        Ok((Arc::new(session), sdp))
    }

    /// Sends speech, a frame each `pace`, and gives the number of frames. A tail shorter than a frame is dropped.
    pub async fn say(&self, samples: &[i16], pace: Duration) -> Result<usize, NegotiationError> {
        let Speech { track, mouth, .. } = self.speech()?;
        let mut mouth = mouth.lock().await;
        let mut sent = 0;
        for frame in samples.as_chunks::<FRAME>().0 {
            let packet = mouth.packet(frame)?;
            if !self.is_connected() || track.write_rtp(packet).await.is_err() {
                add(&self.counters.tts_frames_dropped, 1);
            } else {
                add(&self.counters.tts_frames_routed, 1);
                sent += 1;
            }
            tokio::time::sleep(pace).await;
        }
        Ok(sent)
    }

    /// Sends a packet of RTP as it is given, whatever comes before and after.
    pub async fn send_raw(&self, fields: RtpFields) -> Result<(), NegotiationError> {
        let Speech { track, ssrc, .. } = self.speech()?;
        Ok(track.write_rtp(fields.marked(self.payload_type, *ssrc)).await?)
    }

    /// Sends a datagram as it is given, not encrypted, to every address of the device, from a port that it does not know.
    pub async fn send_datagram(&self, content: &[u8]) -> Result<(), NegotiationError> {
        for address in &self.candidates {
            let any: IpAddr = match address {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            let socket = UdpSocket::bind((any, 0)).await?;
            socket.send_to(content, address).await?;
        }
        Ok(())
    }

    /// Passes on what another device sends, until this session has ended.
    pub(crate) async fn pass_on(
        &self,
        mut heard: broadcast::Receiver<Arc<Packet>>,
    ) -> Result<(), NegotiationError> {
        let Speech { track, ssrc, .. } = self.speech()?;
        let mut relay = Relay::new(self.payload_type, *ssrc);
        loop {
            let packet = tokio::select! {
                packet = heard.recv() => packet,
                () = self.ended() => return Ok(()),
            };
            match packet {
                Ok(packet) if self.is_connected() => track.write_rtp(relay.pass(&packet)).await?,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    /// The name of the ICE session: the hub's own user fragment, which is another with each.
    pub(crate) async fn ice_session(&self) -> String {
        ice_session(&self.descriptions.lock().await.answer)
    }

    /// Goes on by the path that a device offers. Its address here stays.
    pub(crate) async fn move_to(&self, path: &Fragment) -> Result<Moved, NegotiationError> {
        let mut descriptions = self.descriptions.lock().await;
        let known = Fragment::read(&descriptions.offer);
        if known.is_ok_and(|known| known.is_of_session(path)) {
            return Ok(Moved::Same);
        }
        let offer = path.put_into(&descriptions.offer);
        let connection = &self.connection;
        connection
            .set_remote_description(RTCSessionDescription::offer(offer.clone())?)
            .await?;
        let answer = connection.create_answer(None).await?;
        connection.set_local_description(answer.clone()).await?;
        let description = connection.local_description().await.unwrap_or(answer);
        *descriptions = Descriptions {
            offer,
            answer: description.sdp,
        };
        let answer = &descriptions.answer;
        Ok(Moved::To(fragment_of(answer), ice_session(answer)))
    }

    fn speech(&self) -> Result<&Speech, NegotiationError> {
        self.speech.as_ref().ok_or(NegotiationError::OnlyHears)
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

fn ice_session(answer: &str) -> String {
    let mut lines = answer.lines().map(str::trim_end);
    let user = lines.find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    user.unwrap_or_default().to_owned()
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
    audience: Audience,
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
        let (spoken, is_opus) = {
            let mut ear = ear.lock().unwrap_or_else(PoisonError::into_inner);
            let is_opus = received.payload_type == ear.payload_type;
            (ear.take(received, &packet.payload), is_opus)
        };
        if let Some(spoken) = spoken {
            let _ = utterances.send(spoken);
        }
        if is_opus {
            // An error only means that nobody listens along.
            let _ = audience.send(Arc::new(packet));
        }
    }
}
